import { newNonce } from '../shared/crypto/digest.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { prepared } from '../shared/storage/prepared.ts'
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
  const newest = prepared<[], ChainRow>(
    store.$client,
    `SELECT chain, continues_chain continuesChain, continues_seq continuesSeq, continues_digest continuesDigest
       FROM chains ORDER BY ordinal DESC LIMIT 1`,
  ).get()
  if (!newest) return beginChain(store, null)
  const head = prepared<[string], { seq: number; digest: string }>(
    store.$client,
    'SELECT seq, manifest_digest digest FROM batches WHERE chain = ? ORDER BY seq DESC LIMIT 1',
  ).get(newest.chain)
  const { chain, continuesChain, continuesSeq, continuesDigest } = newest
  const continues =
    continuesChain !== null && continuesSeq !== null && continuesDigest !== null
      ? { chain: continuesChain, seq: continuesSeq, digest: continuesDigest }
      : null
  return { chain, seq: head?.seq ?? 0, digest: head?.digest ?? null, continues }
}

/**
 * Someone showed a batch with our own signature that this disk does not know: the disk was restored. What comes next goes
 * into a new chain that continues the highest such batch, so that no number is ever used twice. A chain that goes on from there
 * already, and has batches of its own, stays the one that grows.
 * @returns whether a new chain was begun
 */
export function continueBeyond(store: DaemonStore, shown: Place): boolean {
  const client = store.$client
  return client
    .transaction(() => {
      if (prepared(client, 'SELECT 1 FROM batches WHERE manifest_digest = ?').get(shown.digest)) return false
      const continued = prepared(client, 'SELECT 1 FROM chains WHERE continues_chain = ? AND continues_seq >= ?').get(
        shown.chain,
        shown.seq,
      )
      const current = currentChain(store)
      if (continued || (current.seq > 0 && goesOnFrom(store, current.chain, shown.chain))) return false
      beginChain(store, shown)
      return true
    })
    .immediate()
}

/**
 * Someone has proof that the chain that grows has gone further than this disk knows, and not the batches themselves: the next one
 * goes into a new chain all the same. @returns whether it was begun
 */
export function leaveBehind(store: DaemonStore, chain: string, seq: number): boolean {
  return store.$client
    .transaction(() => {
      const current = currentChain(store)
      if (current.chain !== chain || current.seq >= seq) return false
      const { digest, continues } = current
      beginChain(store, digest === null ? continues : { chain, seq: current.seq, digest })
      return true
    })
    .immediate()
}

/** Whether a chain continues another, directly or through others. */
function goesOnFrom(store: DaemonStore, chain: string, older: string): boolean {
  return (
    prepared(
      store.$client,
      `WITH RECURSIVE line (chain) AS (
           SELECT continues_chain FROM chains WHERE chain = ?
           UNION SELECT chains.continues_chain FROM chains JOIN line ON chains.chain = line.chain)
         SELECT 1 FROM line WHERE chain = ?`,
    ).get(chain, older) !== undefined
  )
}

function beginChain(store: DaemonStore, continues: Place | null): CurrentChain {
  const chain = newNonce()
  prepared(
    store.$client,
    'INSERT INTO chains (chain, continues_chain, continues_seq, continues_digest) VALUES (?, ?, ?, ?)',
  ).run(chain, continues?.chain ?? null, continues?.seq ?? null, continues?.digest ?? null)
  return { chain, seq: 0, digest: null, continues }
}
