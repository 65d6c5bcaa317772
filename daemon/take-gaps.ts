import { readDocument } from '../shared/crypto/read-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import type { GapNotice } from '../shared/protocol/gap-notice.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { DaemonStore } from './open-store.ts'

/** Keeps a server's newest notice of batches of ours that it has heard of and not received. An older one is left. */
export function takeGaps(store: DaemonStore, device: string, { document, jws }: Verified<'gaps'>): void {
  const { producer, chain, server } = document
  if (producer !== device) return
  const held = prepared<[string, string], { jws: string }>(
    store.$client,
    'SELECT jws FROM gaps WHERE chain = ? AND server = ?',
  ).get(chain, server)
  if (held && !isNewer(readDocument(held.jws, 'gaps').document, document)) return
  prepared(store.$client, 'INSERT OR REPLACE INTO gaps (chain, server, jws) VALUES (?, ?, ?)').run(chain, server, jws)
}

// A notice is no proof of anything done: among one server's own, its own clock may say which is the later.
function isNewer(held: GapNotice, shown: GapNotice): boolean {
  const [before, after] = [held.incarnation.number, shown.incarnation.number]
  return after !== before ? after > before : shown.at > held.at
}
