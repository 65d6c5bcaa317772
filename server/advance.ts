import { prepared } from '../shared/storage/prepared.ts'
import { isBranchReleased } from './batch-decisions.ts'
import { forkOf } from './branches.ts'
import type { ServerStore } from './open-store.ts'

/** How far a chain is delivered, and by which batch. */
export interface Reached {
  through: number
  throughDigest: string | null
}

/**
 * `through` grows over every batch that is opened without a gap, each linked to the one before. It goes into a fork only on a branch that a
 * person released, and stays on that one: a receipt names one batch, and whoever holds the other branch is covered by nothing. Call it in
 * the transaction that opens a batch or releases a branch.
 */
export function advance(store: ServerStore, producer: string, chain: string): void {
  const client = store.$client
  const reached = prepared<[string, string], Reached>(
    client,
    'SELECT through, through_digest throughDigest FROM chains WHERE producer = ? AND chain = ?',
  ).get(producer, chain) ?? { through: 0, throughDigest: null }
  let { through, throughDigest } = reached
  for (
    let next = nextDelivered(store, producer, chain, { through, throughDigest });
    next !== undefined;
    next = nextDelivered(store, producer, chain, { through, throughDigest })
  ) {
    through += 1
    throughDigest = next
  }
  prepared(client, 'UPDATE chains SET through = ?, through_digest = ?, dirty = 1 WHERE producer = ? AND chain = ?').run(
    through,
    throughDigest,
    producer,
    chain,
  )
}

/** The batch over which `through` grows next. Of two branches that were released, one is delivered in the receipt, no matter which. */
export function nextDelivered(
  store: ServerStore,
  producer: string,
  chain: string,
  { through, throughDigest }: Reached,
): string | undefined {
  const forkAt = forkOf(store, producer, chain)
  const isFree = (digest: string) => forkAt === null || through + 1 < forkAt || isBranchReleased(store, digest)
  return prepared<[string, string, number, string | null], { digest: string }>(
    store.$client,
    `SELECT manifest_digest digest FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND state = 'opened' AND previous IS ?
     ORDER BY ordinal`,
  )
    .all(producer, chain, through + 1, throughDigest)
    .find(({ digest }) => isFree(digest))?.digest
}
