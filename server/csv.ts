/** What a spreadsheet takes for the beginning of a formula, in any of the widths in which it can be written. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/
const plainNumber = /^[+-]?\d+([.,]\d+)?$/
const needsQuotes = /[",\r\n]/

/**
 * A line of CSV (RFC 4180), with its end. A text that a spreadsheet would take for a formula gets an apostrophe before it: a field that a
 * person filled in must not compute on another person's computer. Whoever needs it to the letter takes JSON.
 */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(cell).join(',')}\r\n`
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const isText = typeof value === 'string' && !plainNumber.test(text)
  const guarded = isText && formula.test(text) ? `'${text}` : text
  return needsQuotes.test(guarded) || guarded !== text ? `"${guarded.replaceAll('"', '""')}"` : guarded
}
