import type { Database } from 'better-sqlite3'

/**
 * Gives the function that names the state of a database: another text after every write, by this program or by another. Inside a
 * transaction it says nothing that lasts, since what was written may be rolled back.
 */
export function databaseStateOf(client: Database): () => string {
  // `data_version` tells of other programs on this database, `total_changes` of this one.
  const written = client.prepare<[], number>('SELECT total_changes()').pluck()
  return () => `${client.pragma('data_version', { simple: true })} ${written.get()}`
}
