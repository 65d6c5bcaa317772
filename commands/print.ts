import { once } from 'node:events'

/** Prints one line for people. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints a value as one line of JSON. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Prints many lines, no faster than the reader takes them; ends quietly when the reader has seen enough. */
export async function sayAll(lines: Iterable<string>): Promise<void> {
  let gone = false
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    gone = true
  })
  for (const line of lines) {
    if (gone) return
    if (!process.stdout.write(`${line}\n`))
      await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')])
  }
}

/** Prints rows under a head, in columns; numbers to the right. */
export function sayTable(head: string[], rows: Array<Array<string | number>>): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column] ?? '').length)),
  )
  const cell = (value: string | number, column: number) =>
    typeof value === 'number' ? String(value).padStart(widths[column] ?? 0) : value.padEnd(widths[column] ?? 0)
  for (const row of [head, ...rows]) say(row.map(cell).join('  ').trimEnd())
}
