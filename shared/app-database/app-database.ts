/** The databases that an app may have; `mariadb` is MySQL too. */
export type Dialect = 'postgresql' | 'mariadb' | 'sqlite'

/** What may go into a query. */
export type Value = string | number | boolean | null | Uint8Array

/** A row as it comes out: integers as numbers, bytes as `Uint8Array`, times and JSON as text. */
export type Row = Record<string, unknown>

/**
 * Runs one statement; `?` stands for a value, in every dialect, and for nothing else.
 * @throws APP_DATABASE_AWAY, APP_DATABASE_BUSY, APP_DATABASE_FAILED
 */
export type Run = (sql: string, values?: readonly Value[]) => Promise<Row[]>

/** The app's own database. It connects by itself, again where the connection was lost. One statement or transaction at a time. */
export interface AppDatabase {
  readonly dialect: Dialect
  /** Where it is, as people may read it: never with a password. */
  readonly place: string
  readonly query: Run
  /**
   * Commits what `act` did, or nothing of it where it throws. READ COMMITTED; in SQLite the only writer from its beginning.
   * @throws as `query` does, and what `act` throws
   */
  transaction<T>(act: (run: Run) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** An open connection, as its driver gives it: it throws the driver's own errors. */
export interface Connection {
  readonly run: Run
  /** Begins a transaction. */
  readonly begin: string
  end(): Promise<void>
}

/** As many `?` as there are values, for `IN (...)`. */
export function placeholders(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ')
}
