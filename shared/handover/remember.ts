import type { DeskContext } from './desk-context.ts'

const mostKept = 8

/** Gives what `work` gives; it works once until the state of the desk has changed. Nobody may change what it gave. */
export type Remember = <T>(name: string, work: () => T) => T

/** A desk works out thousands of tubes for a page that only looks again; what is inside a transaction may be rolled back. */
export function remembering({ client, state }: Pick<DeskContext, 'client' | 'state'>): Remember {
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
    if (oldest !== undefined && kept.size > mostKept) kept.delete(oldest)
    return given
  }
}
