import type { Database } from 'better-sqlite3'
import { prepared } from './prepared.ts'

/** By one statement: to run one costs as much as to insert a row does. */
const rowsAtOnce = 20

/**
 * Inserts rows into a table without AUTOINCREMENT whose key is an integer; call it in a transaction, which ends where this throws. They are
 * numbered in their order, each by one more than the one before it.
 * @param values those of one row after those of another
 * @returns the number of the first
 */
export function insertRows(client: Database, table: string, columns: string[], values: unknown[]): number {
  const insert = (rows: number) => {
    const row = `(${columns.map(() => '?').join()})`
    // The transaction is taken back as a whole: without FAIL, SQLite would note each page first, so as to take back one statement.
    return prepared(client, `INSERT OR FAIL INTO ${table} (${columns.join()}) VALUES ${Array(rows).fill(row).join()}`)
  }
  const [several, one] = [insert(rowsAtOnce), insert(1)]
  let last: number | bigint = 0
  for (let at = 0; at < values.length; ) {
    const isFew = values.length - at < rowsAtOnce * columns.length
    const end = at + (isFew ? 1 : rowsAtOnce) * columns.length
    last = (isFew ? one : several).run(...values.slice(at, end)).lastInsertRowid
    at = end
  }
  return Number(last) - values.length / columns.length + 1
}
