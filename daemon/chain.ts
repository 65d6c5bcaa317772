import { newNonce } from '../shared/crypto/digest.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import type { DaemonStore } from './open-store.ts'

/** The chain that grows: its head is the newest batch, null before the first. */
export interface CurrentChain {
  chain: string
  seq: number
  digest: string | null
  continues: Manifest['continues']
}

/** The place of a batch in a chain. */
export type Place = NonNullable<Manifest['continues']>

interface ChainRow {
  chain: string
  continuesChain: string | null
  continuesSeq: number | null
  continuesDigest: string | null
}

/** The chain that grows; a laptop without one begins it. */
export function currentChain(store: DaemonStore): CurrentChain {
  const newest = store.$client
    .prepare<[], ChainRow>(
      `SELECT chain, continues_chain continuesChain, continues_seq continuesSeq, continues_digest continuesDigest
       FROM chains ORDER BY ordinal DESC LIMIT 1`,
    )
    .get()
  if (!newest) return beginChain(store, null)
  const head = store.$client
    .prepare<[string], { seq: number; digest: string }>(
      'SELECT seq, manifest_digest digest FROM batches WHERE chain = ? ORDER BY seq DESC LIMIT 1',
    )
    .get(newest.chain)
  const { chain, continuesChain, continuesSeq, continuesDigest } = newest
  const continues =
    continuesChain !== null && continuesSeq !== null && continuesDigest !== null
      ? { chain: continuesChain, seq: continuesSeq, digest: continuesDigest }
      : null
  return { chain, seq: head?.seq ?? 0, digest: head?.digest ?? null, continues }
}

/**
 * Someone showed a batch with our own signature that this disk does not know: the disk was restored. What comes next goes
 * into a new chain that continues the highest such batch, so that no number is ever used twice.
 * @returns whether a new chain was begun
 */
export function continueBeyond(store: DaemonStore, shown: Place): boolean {
  const client = store.$client
  return client
    .transaction(() => {
      if (client.prepare('SELECT 1 FROM batches WHERE manifest_digest = ?').get(shown.digest)) return false
      const continued = client
        .prepare('SELECT 1 FROM chains WHERE continues_chain = ? AND continues_seq >= ?')
        .get(shown.chain, shown.seq)
      if (continued) return false
      beginChain(store, shown)
      return true
    })
    .immediate()
}

function beginChain(store: DaemonStore, continues: Place | null): CurrentChain {
  const chain = newNonce()
  store.$client
    .prepare('INSERT INTO chains (chain, continues_chain, continues_seq, continues_digest) VALUES (?, ?, ?, ?)')
    .run(chain, continues?.chain ?? null, continues?.seq ?? null, continues?.digest ?? null)
  return { chain, seq: 0, digest: null, continues }
}
