import type { Database } from 'better-sqlite3'

/** Gives what `work` gives; it works once until the state has changed. Nobody may change what it gave. */
export type Remember = <T>(name: string, work: () => T) => T

/**
 * A page that only looks again costs nothing; what is inside a transaction may be rolled back, and is not remembered.
 * @param state another text whenever something else may come out
 * @param most so many names are remembered, the newest ones
 */
export function remembering(client: Database, state: () => string, most: number): Remember {
  const kept = new Map<string, { state: string; given: unknown }>()
  return <T>(name: string, work: () => T): T => {
    if (client.inTransaction) return work()
    const now = state()
    const found = kept.get(name)
    if (found?.state === now) return found.given as T
    const given = work()
    kept.delete(name)
    kept.set(name, { state: now, given })
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size > most) kept.delete(oldest)
    return given
  }
}
