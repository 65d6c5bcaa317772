import type { Actor } from './actor.ts'
import type { ServerStore } from './open-store.ts'

/** What a person can do at this server. */
export const actKinds = [
  ...(['signIn', 'signInRefused', 'signOut', 'view', 'history', 'search', 'download'] as const),
  ...(['resolve', 'merge', 'retract', 'retry', 'discard', 'release', 'refuse', 'skipDays'] as const),
  ...(['addDevice', 'revoke', 'people', 'account', 'password', 'disable', 'createToken', 'revokeToken'] as const),
] as const

/** One of them: about what, what was there before, what is there now, and why. */
export interface Act {
  act: (typeof actKinds)[number]
  about: string
  old?: unknown
  new?: unknown
  reason?: string
}

/** An act as it is shown. */
export interface StoredAct {
  position: number
  at: string
  who: string
  role: string
  act: string
  about: string
  old: string | null
  new: string | null
  reason: string | null
}

/** Appends what a person does (house rule 15), on disk before it is answered. Call it where it can fail before anything is done. */
export function appendAct(store: ServerStore, { who, role }: Actor, { act, about, ...more }: Act, now: Date): void {
  const text = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
  store.$client
    .prepare('INSERT INTO acts (at, who, role, act, about, old, new, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(now.toISOString(), who, role, act, about, text(more.old), text(more.new), more.reason ?? null)
}

/** Acts, the newest first, those before `before`. */
export function listActs(store: ServerStore, before: number, limit: number): StoredAct[] {
  return store.$client
    .prepare<[number, number], StoredAct>(
      `SELECT position, at, who, role, act, about, old, new, reason FROM acts WHERE position < ?
       ORDER BY position DESC LIMIT ?`,
    )
    .all(before, limit)
}
