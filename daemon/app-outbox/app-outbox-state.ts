import { readFact, writeFact } from '../facts.ts'
import type { DaemonStore } from '../open-store.ts'
import type { RefusedRow } from './app-table.ts'

/** What can be said of the app's table without guessing; `daemon/status.ts` tells it. */
export interface AppOutboxState {
  /** Where the app's database is; never with a password. */
  database: string
  /** `away`: it does not answer. `busy`: somebody holds it. `failing`: `problem` says why. */
  state: 'reading' | 'paused' | 'away' | 'busy' | 'failing'
  /** Since when it is so; null while it is read. */
  since: string | null
  /** Rows that were not taken over yet; null where that is not known. */
  waiting: number | null
  /** Rows that are no changes and wait to be corrected, and the first of them. */
  setAside: number
  refused: RefusedRow[]
  /** The app's transactions that were left open, and since when. */
  openTransactions: Array<{ which: string; since: string }>
  problem: { code: string; message: string; hint: string } | null
}

/** The state as last told; null where no table of an app is read. */
export function readAppOutboxState(store: DaemonStore): AppOutboxState | null {
  return JSON.parse(readFact(store, 'appOutbox') ?? 'null')
}

export function writeAppOutboxState(store: DaemonStore, state: AppOutboxState | null): void {
  writeFact(store, 'appOutbox', JSON.stringify(state))
}

/** Remembers why rows were set aside, before they are marked so in the app's table. */
export function keepRefused(store: DaemonStore, refused: readonly RefusedRow[], at: Date): void {
  const put = store.$client.prepare(
    'INSERT OR REPLACE INTO refused_rows (position, code, message, at) VALUES (?, ?, ?, ?)',
  )
  store.$client
    .transaction(() => {
      for (const { position, code, message } of refused) put.run(position, code, message, at.toISOString())
    })
    .immediate()
}

/** These rows were corrected. */
export function forgetRefused(store: DaemonStore, taken: readonly string[]): void {
  if (!store.$client.prepare('SELECT 1 FROM refused_rows LIMIT 1').get()) return
  store.$client
    .prepare('DELETE FROM refused_rows WHERE position IN (SELECT value FROM json_each(?))')
    .run(JSON.stringify(taken))
}

/** Why these rows were set aside, where this laptop knows. */
export function readRefused(store: DaemonStore, positions: readonly string[]): RefusedRow[] {
  const find = store.$client.prepare<[string], RefusedRow>(
    'SELECT position, code, message FROM refused_rows WHERE position = ?',
  )
  return positions.flatMap((position) => find.get(position) ?? [])
}
