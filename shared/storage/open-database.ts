import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate } from 'drizzle-orm/better-sqlite3/migrator'

/** An open database: typed queries by drizzle, and the connection itself as `$client`. */
export type Store<Schema extends Record<string, unknown>> = BetterSQLite3Database<Schema> & {
  $client: Database.Database
}

/**
 * Opens a program's database, creating and migrating it. A commit is on disk when it returns (WAL, synchronous=FULL);
 * erased plain text is overwritten (secure_delete); other processes on the same directory wait for each other.
 * @param migrations the folder of committed migrations
 * @param pageBytes of a new database; one that stands keeps its own
 */
export function openDatabase<Schema extends Record<string, unknown>>(
  path: string,
  schema: Schema,
  migrations: string,
  pageBytes = 4096,
): Store<Schema> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
  const client = new Database(path, { timeout: 15_000 })
  client.pragma(`page_size = ${pageBytes}`)
  client.pragma('journal_mode = WAL')
  client.pragma('synchronous = FULL')
  client.pragma('foreign_keys = ON')
  client.pragma('secure_delete = ON')
  client.pragma('journal_size_limit = 67108864')
  const store = drizzle(client, { schema })
  migrateOnce(store, migrations)
  return store
}

/** Two programs may open a new directory together: the one that comes second finds the tables there and looks again. */
function migrateOnce<Schema extends Record<string, unknown>>(store: Store<Schema>, migrations: string): void {
  try {
    migrate(store, { migrationsFolder: migrations })
  } catch {
    migrate(store, { migrationsFolder: migrations })
  }
}
