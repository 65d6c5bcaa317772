import canonicalize from 'canonicalize'
import { keyedDigest, sha256 } from '../shared/crypto/digest.ts'
import type { DaemonStore } from './open-store.ts'
import type { GivenChange } from './read-change.ts'

/**
 * A dump tells how a record is, not what was done to it: it is a change where that differs from what the last dump told. Gives
 * the function that makes it one; undefined where the same was told last. Call it inside the transaction that stores the change.
 */
export function dumpKeeper(store: DaemonStore, key: Buffer): (given: GivenChange) => GivenChange | undefined {
  const find = store.$client.prepare<[string], { content: string; id: string }>(
    'SELECT content, id FROM dumped WHERE record = ?',
  )
  const put = store.$client.prepare('INSERT OR REPLACE INTO dumped (record, content, id) VALUES (?, ?, ?)')
  return ({ change, digest }) => {
    const record = keyedDigest(key, canonicalize([change.model, change.pk]) ?? '')
    const content = keyedDigest(key, digest)
    const last = find.get(record)
    if (last?.content === content) return undefined
    const told = sha256(`${last?.id ?? ''}${digest}`)
    const id = `dumpdata-${told}`
    put.run(record, content, id)
    const made = last ? { ...change, id, action: 'update' as const, base: [last.id] } : { ...change, id }
    return { change: made, line: canonicalize(made) ?? '', digest: told, isDump: true }
  }
}
