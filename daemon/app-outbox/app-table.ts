import type { Row } from '../../shared/app-database/app-database.ts'

/** A row of the app's table that may be taken over now; nothing large of it is read yet. */
export interface WaitingRow {
  /** What names the row, as the app's people see it. */
  position: string
  model: string
  pk: string
  /** The size of its text. */
  bytes: number
}

/** A row that is no change. */
export interface RefusedRow {
  position: string
  code: string
  message: string
}

/** A transaction of the app that has written to the table and is not committed. */
export interface OpenTransaction {
  /** What the database calls it. */
  which: string
  /** How long it has been open; null where the database does not tell. */
  seconds: number | null
}

/** How many rows are in each state. */
export interface RowCounts {
  waiting: number
  setAside: number
  /** The first of those that were set aside. */
  setAsideAt: string[]
}

/** What all tables know how to do, whatever their columns and their dialect. */
export interface AppTable {
  /**
   * What may be taken over, a page at a time, in order. Of one record nothing comes before what the app did earlier to it: what
   * stands behind an open transaction or a row that was set aside, of the same record, is left for another time.
   */
  pages(): AsyncGenerator<WaitingRow[]>
  /** Reads rows wholly, in order. */
  read(rows: readonly WaitingRow[]): Promise<Row[]>
  /** What the row says, in the form in which an app gives a change. @throws CHANGE_INVALID */
  changeOf(row: Row): Record<string, unknown>
  /** These rows are on our disk. */
  markTaken(positions: readonly string[]): Promise<void>
  /** These are no changes: they stay, and are read again when a person says so. */
  markSetAside(refused: readonly RefusedRow[]): Promise<void>
  count(): Promise<RowCounts>
  /** Those that the last `pages` met. */
  openTransactions(): Promise<OpenTransaction[]>
}

/** So many rows are looked at in one query. */
export const pageRows = 500
/** So many records, behind which something is left for another time, are remembered. */
export const mostHeld = 50_000
/** So many positions are named where rows were set aside. */
export const mostNamed = 20

/** Which record a row is of, as one text. */
export function recordOf({ model, pk }: { model: string; pk: string }): string {
  return JSON.stringify([model, pk])
}
