import type { Verified } from '../shared/crypto/trust.ts'
import { witness } from './chain.ts'
import type { ServerStore } from './open-store.ts'

/** Adds verified custody receipts to their batches' trees; one that is there already changes nothing. */
export function appendHops(store: ServerStore, path: Verified<'custody'>[]): void {
  const insert = store.$client.prepare(
    'INSERT OR IGNORE INTO hops (digest, manifest_digest, hop, prev, by, jws) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const { document, digest, jws } of path) {
    insert.run(digest, document.manifest, document.hop, document.prev, document.by, jws)
    if (document.hop === 1 && document.head) witness(store, document.from, document.head)
  }
}
