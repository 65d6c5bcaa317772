import type { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { ServerStore } from './open-store.ts'

/** A single stored value; undefined where it was never set. */
export function readFact(store: ServerStore, key: string): string | undefined {
  return prepared<[string], { value: string }>(store.$client, 'SELECT value FROM facts WHERE key = ?').get(key)?.value
}

export function writeFact(store: ServerStore, key: string, value: string): void {
  prepared(store.$client, 'INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)').run(key, value)
}

/** The last thing that went wrong, as the page and `status` show it. */
export interface LastError {
  code: string
  message: string
  hint: string
  at: string
  about: string
}

export function writeLastError(store: ServerStore, error: WaybillError, about: string, at: Date): void {
  const { code, message, hint } = error
  writeFact(
    store,
    'lastError',
    JSON.stringify({ code, message, hint, at: at.toISOString(), about } satisfies LastError),
  )
}

export function readLastError(store: ServerStore): LastError | null {
  return JSON.parse(readFact(store, 'lastError') ?? 'null')
}
