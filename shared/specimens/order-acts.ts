import type { Act } from '../protocol/handover.ts'

/** The order that both laptops give acts, whatever the order in which they came: Lamport's, and never a clock's. */
export function compareActs(a: Act, b: Act): number {
  if (a.after !== b.after) return a.after - b.after
  if (a.device !== b.device) return a.device < b.device ? -1 : 1
  return a.number - b.number
}

/** The acts that stand, in order: what an undo of the same laptop names is struck out, and the undo itself does nothing else. */
export function standingActs(acts: Iterable<Act>): Act[] {
  const ordered = [...acts].sort(compareActs)
  const struck = new Set<string>()
  for (const { device, deed } of ordered)
    if (deed.kind === 'undo' && deed.device === device) struck.add(nameOf(device, deed.number))
  return ordered.filter(({ device, number, deed }) => deed.kind !== 'undo' && !struck.has(nameOf(device, number)))
}

function nameOf(device: string, number: number): string {
  return `${device} ${number}`
}
