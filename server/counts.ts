import type { ServerStore } from './open-store.ts'

/** What is counted as it changes; `opened` counts each change once. */
export type Counted =
  | 'opened'
  | 'settled'
  | 'applied'
  | 'waiting'
  | 'held'
  | 'quarantined'
  | 'discarded'
  | 'conflicts'
  | 'duplicates'

/** Adds to a count; call it in the transaction of what is counted. */
export function addCount(store: ServerStore, name: Counted, by: number): void {
  if (by === 0) return
  store.$client
    .prepare('INSERT INTO counts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value')
    .run(name, by)
}

export function readCount(store: ServerStore, name: Counted): number {
  return (
    store.$client.prepare<[string], { value: number }>('SELECT value FROM counts WHERE name = ?').get(name)?.value ?? 0
  )
}
