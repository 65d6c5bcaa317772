/** The day of a time, YYYY-MM-DD, by the calendar of this server's own place. */
export function dayOf(time: string | Date): string {
  const date = new Date(time)
  const two = (part: number) => `${part}`.padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
