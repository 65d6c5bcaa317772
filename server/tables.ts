import { csvLine } from './csv.ts'

/** A row of a table that is downloaded: its cells by the name of their column. */
export type Row = Record<string, unknown>

/** What stands in a column of a row, where it is not what bears its name. */
export type Cell = (row: Row, column: string, columns: readonly string[]) => unknown

/** A table in one of its two forms, piece by piece: memory holds a row. */
export async function* writeTable(
  form: 'csv' | 'json',
  columns: readonly string[],
  rows: Iterable<Row> | AsyncIterable<Row>,
  cell: Cell = (row, column) => row[column],
): AsyncGenerator<string> {
  if (form === 'csv') {
    yield csvLine(columns)
    for await (const row of rows) yield csvLine(columns.map((column) => cell(row, column, columns)))
    return
  }
  let before = '[\n'
  for await (const row of rows) {
    yield `${before}${JSON.stringify(row)}`
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}
