import type { Verified } from '../shared/crypto/trust.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { DaemonStore } from './open-store.ts'

const mostShown = 64

interface Tip {
  seq: number
  digest: string
  jws: string
}

/**
 * Takes manifests of our own that this disk lost, where they follow what is known of their chain without a break: each proves that
 * all before it is its ancestor, so that a delivery receipt that names it covers our batches too. Call it inside a transaction.
 * @param shown signed by this device
 * @returns the chains of which more is known now
 */
export function takeFollowers(store: DaemonStore, shown: Verified<'manifest'>[]): string[] {
  const put = prepared(store.$client, 'INSERT INTO followers (chain, seq, digest, jws) VALUES (?, ?, ?, ?)')
  const grown = new Set<string>()
  for (const { document, digest, jws } of shown.toSorted((a, b) => a.document.seq - b.document.seq)) {
    const { chain, seq, previous } = document
    const tip = tipOf(store, chain)
    if (!tip || seq !== tip.seq + 1 || previous !== tip.digest) continue
    put.run(chain, seq, digest, jws)
    grown.add(chain)
  }
  return [...grown]
}

/** The digest of our batch at this place: of this disk's, or of one that was shown and follows. */
export function digestAt(store: DaemonStore, chain: string, seq: number): string | undefined {
  return prepared<[string, number, string, number], { digest: string }>(
    store.$client,
    `SELECT manifest_digest digest FROM batches WHERE chain = ? AND seq = ?
       UNION ALL SELECT digest FROM followers WHERE chain = ? AND seq = ? LIMIT 1`,
  ).get(chain, seq, chain, seq)?.digest
}

/**
 * The newest known manifest of every chain of ours that does not grow any more and has batches which no delivery covers: whoever
 * has the batch that follows shows it, and our batches become provable.
 */
export function unprovenTips(store: DaemonStore, current: string): string[] {
  return prepared<[string], { chain: string }>(
    store.$client,
    `SELECT DISTINCT chain FROM batches WHERE delivered = 0 AND chain != ? LIMIT ${mostShown}`,
  )
    .all(current)
    .flatMap(({ chain }) => tipOf(store, chain)?.jws ?? [])
}

function tipOf(store: DaemonStore, chain: string): Tip | undefined {
  return prepared<[string, string], Tip>(
    store.$client,
    `SELECT * FROM (SELECT seq, manifest_digest digest, manifest jws FROM batches WHERE chain = ? ORDER BY seq DESC LIMIT 1)
       UNION ALL SELECT * FROM (SELECT seq, digest, jws FROM followers WHERE chain = ? ORDER BY seq DESC LIMIT 1)
       ORDER BY seq DESC LIMIT 1`,
  ).get(chain, chain)
}
