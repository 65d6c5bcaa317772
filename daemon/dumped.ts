import type { KeyObject } from 'node:crypto'
import canonicalize from 'canonicalize'
import { keyedDigest, sha256 } from '../shared/crypto/digest.ts'
import type { Change } from '../shared/protocol/change.ts'
import type { DaemonStore } from './open-store.ts'
import type { GivenChange } from './read-change.ts'

/** What the dumps told last, of each record. Use it inside the transaction that stores the changes. */
export interface DumpKeeper {
  /** The change that a dumped object makes; undefined where the same was told last. */
  tell(given: GivenChange): GivenChange | undefined
  /** The app did something to a record itself: whatever the next dump tells of it comes after that. */
  changed(change: Change): void
}

/** A dump tells how a record is, not what was done to it: it is a change where that differs from what is known of the record. */
export function dumpKeeper(store: DaemonStore, key: KeyObject): DumpKeeper {
  const find = store.$client.prepare<[string], { content: string; id: string }>(
    'SELECT content, id FROM dumped WHERE record = ?',
  )
  const put = store.$client.prepare('INSERT OR REPLACE INTO dumped (record, content, id) VALUES (?, ?, ?)')
  const overtake = store.$client.prepare("UPDATE dumped SET content = '', id = ? WHERE record = ?")
  const isUsed = store.$client.prepare('SELECT 1 FROM dumped LIMIT 1')
  const recordOf = ({ model, pk }: Change) => keyedDigest(key, canonicalize([model, pk]) ?? '')
  const tell = ({ change, digest }: GivenChange): GivenChange | undefined => {
    const record = recordOf(change)
    const content = keyedDigest(key, digest)
    const last = find.get(record)
    if (last?.content === content) return undefined
    const told = sha256(`${last?.id ?? ''}${digest}`)
    const id = `dumpdata-${told}`
    put.run(record, content, id)
    const made = last ? { ...change, id, action: 'update' as const, base: [last.id] } : { ...change, id }
    return { change: made, line: canonicalize(made) ?? '', digest: told, isDump: true }
  }
  const changed = (change: Change) => {
    if (isUsed.get()) overtake.run(change.id, recordOf(change))
  }
  return { tell, changed }
}
