import { once } from 'node:events'

/** Prints one line for people. No control character that an app or a peer put into a text reaches the terminal. */
export function say(line: string): void {
  process.stdout.write(`${line.replace(/\p{Cc}+/gu, ' ')}\n`)
}

/** Prints a value as JSON, on one line unless told to indent. */
export function sayJson(value: unknown, indent = 0): void {
  process.stdout.write(`${JSON.stringify(value, null, indent)}\n`)
}

/** Prints many lines, no faster than the reader takes them. */
export async function sayAll(lines: Iterable<string> | AsyncIterable<string>): Promise<void> {
  for await (const line of lines) if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
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

/** Prints a list as one JSON value, however long it is: an element a line. */
export async function sayJsonList(values: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
  await sayAll(asJsonList(values))
}

async function* asJsonList(values: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<string> {
  let before = '['
  for await (const value of values) {
    yield before
    before = `${JSON.stringify(value)},`
  }
  yield before === '[' ? '[]' : `${before.slice(0, -1)}]`
}
