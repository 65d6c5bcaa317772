import { newNonce } from '../shared/crypto/digest.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { readFact, writeFact } from './facts.ts'
import { incarnation } from './incarnation.ts'
import type { ServerStore } from './open-store.ts'

/** Where in its chain a batch comes. */
export type BatchPlace = Pick<Manifest, 'chain' | 'seq' | 'previous' | 'continues'>

/** The chain that grows, and the life of this server in which it was begun. */
interface OwnChain {
  chain: string
  life: string
}

interface Known {
  chain: string
  seq: number
  digest: string
}

/** The fact that names it. A backup leaves it out: what is restored from it must use no number again that was used since. */
export const ownChainFact = 'ownChain'

/**
 * Where the next batch of this server's own chain goes. In each of its lives a server has a chain of its own, which goes on from the
 * last batch of its own that it knows: so no number is ever used twice.
 */
export function ownPlace(store: ServerStore, device: string): BatchPlace {
  const chain = growingChain(store)
  const newest = newestBatch(store, device)
  if (newest?.chain === chain) return { chain, seq: newest.seq + 1, previous: newest.digest, continues: null }
  return { chain, seq: 1, previous: null, continues: newest ?? null }
}

/** Call it in the transaction that stores the batch. @throws LOCKED where another decision took its place meanwhile */
export function checkOwnPlace(store: ServerStore, { producer, chain, seq, previous }: Manifest): void {
  const next = ownPlace(store, producer)
  if (next.chain !== chain || next.seq !== seq || next.previous !== previous)
    throw new WaybillError('LOCKED', 'another decision was made meanwhile')
}

/** Of two programs that begin one at once, the first to write it counts. */
function growingChain(store: ServerStore): string {
  return store.$client
    .transaction(() => {
      const life = incarnation(store).nonce
      const known: OwnChain | null = JSON.parse(readFact(store, ownChainFact) ?? 'null')
      if (known?.life === life) return known.chain
      const begun: OwnChain = { chain: newNonce(), life }
      writeFact(store, ownChainFact, JSON.stringify(begun))
      return begun.chain
    })
    .immediate()
}

/** The highest of the chain that grows; before it has one, the newest of those that no other of its chains goes on from. */
function newestBatch(store: ServerStore, device: string): Known | undefined {
  const chain = growingChain(store)
  const find = (rule: string, order: string) =>
    prepared<[string, string], Known>(
      store.$client,
      `SELECT chain, seq, manifest_digest digest FROM batches b WHERE producer = ? AND chain ${rule} ORDER BY ${order} LIMIT 1`,
    ).get(device, chain)
  const isLeftBehind = 'SELECT 1 FROM chains c WHERE c.producer = b.producer AND c.continues_chain = b.chain'
  return find('= ?', 'seq DESC') ?? find(`!= ? AND NOT EXISTS (${isLeftBehind})`, 'ordinal DESC')
}
