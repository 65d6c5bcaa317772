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

/**
 * The same of some tables alone: another text after every row of theirs that this program has written, rolled back or not, and after
 * every write of another program.
 */
export function tableStateOf(client: Database, tables: string[]): () => string {
  const counters = tables.map((table) => counterOf(client, table))
  return () => [client.pragma('data_version', { simple: true }), ...counters.map(({ written }) => written)].join(' ')
}

/** Gives the function that says whether another program has written to the database since it was asked last. */
export function othersWriteTo(client: Database): () => boolean {
  const version = () => client.pragma('data_version', { simple: true })
  let seen = version()
  return () => {
    const before = seen
    seen = version()
    return seen !== before
  }
}

interface Counter {
  written: number
}

const watched = new WeakMap<Database, Map<string, Counter>>()

/** A trigger that only this connection has, and that no schema knows of, counts what it writes. */
function counterOf(client: Database, table: string): Counter {
  const counters = watched.get(client) ?? new Map<string, Counter>()
  watched.set(client, counters)
  const counter = counters.get(table) ?? { written: 0 }
  if (counters.has(table)) return counter
  counters.set(table, counter)
  const name = `count_${table}`
  client.function(name, () => {
    counter.written += 1
    return null
  })
  for (const deed of ['INSERT', 'UPDATE', 'DELETE'])
    client.exec(`CREATE TEMP TRIGGER ${name}_${deed} AFTER ${deed} ON main.${table} BEGIN SELECT ${name}(); END`)
  return counter
}
