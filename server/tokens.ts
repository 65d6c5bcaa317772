import { randomBytes } from 'node:crypto'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { Actor } from './actor.ts'
import { appendAct } from './acts.ts'
import type { ServerStore } from './open-store.ts'

/** A token, without its secret, which nobody has but the app. */
export interface StoredToken {
  name: string
  createdAt: string
  revokedAt: string | null
}

const longestName = 100

/**
 * Makes a token that lets one app read. Only its digest is stored: what is returned is shown once.
 * @throws BAD_ARGUMENT for a name that a token has or had: what was done under it stays told
 */
export function createToken(store: ServerStore, actor: Actor, name: string, clock: Clock): string {
  if (name.trim() === '' || name.length > longestName || /\p{Cc}/u.test(name))
    throw new WaybillError('BAD_ARGUMENT', `a name is one line of 1 to ${longestName} characters`)
  const token = `waybill_${randomBytes(32).toString('base64url')}`
  const insert = store.$client.prepare('INSERT OR IGNORE INTO tokens (digest, name, created_at) VALUES (?, ?, ?)')
  store.$client
    .transaction(() => {
      const now = clock.now()
      if (insert.run(sha256(token), name, now.toISOString()).changes === 0)
        throw new WaybillError('BAD_ARGUMENT', `there is, or was, a token ${name}: take another name`)
      appendAct(store, actor, { act: 'createToken', about: name }, now)
    })
    .immediate()
  return token
}

/** All that were ever made, the oldest first. */
export function listTokens(store: ServerStore): StoredToken[] {
  return store.$client
    .prepare<[], StoredToken>(
      'SELECT name, created_at createdAt, revoked_at revokedAt FROM tokens ORDER BY created_at, name',
    )
    .all()
}

/** It lets nobody in any more, from when this returns. @throws NOT_FOUND */
export function revokeToken(store: ServerStore, actor: Actor, name: string, clock: Clock): void {
  const revoke = store.$client.prepare('UPDATE tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL')
  store.$client
    .transaction(() => {
      const now = clock.now()
      if (revoke.run(now.toISOString(), name).changes === 0)
        throw new WaybillError('NOT_FOUND', `there is no token ${name} in force`)
      appendAct(store, actor, { act: 'revokeToken', about: name }, now)
    })
    .immediate()
}

/**
 * The name of the token that the header bears; undefined where it bears none in force. It is looked for by its digest, so that the time
 * that this takes tells nothing of the secret.
 */
export function tokenOf(store: ServerStore, authorization: string | undefined): string | undefined {
  const token = /^Bearer (waybill_[A-Za-z0-9_-]{43})$/.exec(authorization ?? '')?.[1]
  if (token === undefined) return undefined
  return store.$client
    .prepare<[string], { name: string }>('SELECT name FROM tokens WHERE digest = ? AND revoked_at IS NULL')
    .get(sha256(token))?.name
}
