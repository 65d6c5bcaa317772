import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { covers } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { nextDelivered } from './advance.ts'
import { branchesOf } from './branches.ts'
import { incarnation } from './incarnation.ts'
import type { ServerStore } from './open-store.ts'

interface StoredChain {
  producer: string
  chain: string
  through: number
  throughDigest: string | null
  safeThrough: number
  witnessed: number
  forkAt: number | null
  delivery: string | null
  gaps: string | null
}

/**
 * Verifies that each chain is as far as the batches that were opened say, and that this server has signed no more than that.
 * @throws PROVENANCE_BROKEN, SIGNATURE_INVALID... naming the chain
 */
export async function verifyChains(
  { store, identity }: { store: ServerStore; identity: Identity },
  trust: Trust,
): Promise<void> {
  const last = store.$client.prepare<[], { last: number | null }>('SELECT max(rowid) last FROM chains').get()?.last ?? 0
  const next = store.$client.prepare<[number, number], StoredChain & { row: number }>(
    `SELECT rowid row, producer, chain, through, through_digest throughDigest, safe_through safeThrough, witnessed, fork_at forkAt, delivery, gaps
     FROM chains WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1`,
  )
  checkAllThere(store)
  for (let row = 0; ; ) {
    // What belongs together is read together: the program may run.
    const chain = store.$client.transaction(() => {
      const found = next.get(row, last)
      if (found) checkChain(store, found)
      return found
    })()
    if (!chain) return
    row = chain.row
    await naming(`the receipt of chain ${chain.chain.slice(0, 8)}`, () => verifySigned(store, identity, trust, chain))
  }
}

function checkAllThere({ $client }: ServerStore): void {
  const lost = $client
    .prepare<[], { chain: string }>(
      `SELECT chain FROM batches b WHERE NOT EXISTS
       (SELECT 1 FROM chains c WHERE c.producer = b.producer AND c.chain = b.chain) LIMIT 1`,
    )
    .get()
  if (lost) throw broken(lost, 'its state is gone')
}

function checkChain(store: ServerStore, chain: StoredChain): void {
  const { producer, through, throughDigest, safeThrough, witnessed } = chain
  const place = [producer, chain.chain] as const
  const { count, newest } = store.$client
    .prepare<[number, string, string], { count: number; newest: number | null }>(
      `SELECT count(DISTINCT CASE WHEN state = 'opened' AND seq <= ? THEN seq END) count, max(seq) newest FROM batches
       WHERE producer = ? AND chain = ?`,
    )
    .get(through, ...place) ?? { count: 0, newest: null }
  if (count !== through) throw broken(chain, `it says that ${through} batches are opened, and ${count} are`)
  checkReached(store, chain)
  if (nextDelivered(store, ...place, { through, throughDigest }) !== undefined)
    throw broken(chain, `batch ${through + 1} is opened and not counted`)
  if (safeThrough > through)
    throw broken(chain, `it says that ${safeThrough} batches are safe, and ${through} are opened`)
  if (witnessed < (newest ?? 0)) throw broken(chain, `batch ${newest} is here and was not witnessed`)
  checkFork(store, chain)
}

/** What is counted is one line of batches, each opened and following the one before, from the one that is named. */
function checkReached(store: ServerStore, chain: StoredChain): void {
  const find = store.$client.prepare<[string | null], { seq: number; previous: string | null }>(
    "SELECT seq, previous FROM batches WHERE manifest_digest = ? AND state = 'opened'",
  )
  let digest = chain.throughDigest
  // Below the fork a number names one batch.
  for (let seq = chain.through; seq > 0 && seq >= (chain.forkAt ?? chain.through) - 1; seq -= 1) {
    const batch = find.get(digest)
    if (batch?.seq !== seq) throw broken(chain, `it is not opened through the batch that it names at ${seq}`)
    digest = batch.previous
  }
  if (chain.through === 0 && digest !== null) throw broken(chain, 'it names a batch, and none is counted')
}

function checkFork(store: ServerStore, chain: StoredChain): void {
  const twin = store.$client
    .prepare<[string, string], { seq: number }>(
      'SELECT seq FROM batches WHERE producer = ? AND chain = ? GROUP BY seq HAVING count(*) > 1 ORDER BY seq LIMIT 1',
    )
    .get(chain.producer, chain.chain)
  if ((twin?.seq ?? null) !== chain.forkAt) throw broken(chain, `it forks at ${twin?.seq}, and not at ${chain.forkAt}`)
  for (const { seq, branch, now } of branchesOf(store, chain.producer, chain.chain))
    if (branch !== now) throw broken(chain, `batch ${seq} does not stand in the branch that its manifest links it to`)
}

async function verifySigned(store: ServerStore, identity: Identity, trust: Trust, chain: StoredChain): Promise<void> {
  const isOwn = (document: { server: string; producer: string; chain: string }) =>
    document.server === deviceOf(identity) && document.producer === chain.producer && document.chain === chain.chain
  if (chain.gaps !== null) {
    const { document, signer } = await trust.verify(chain.gaps, 'gaps')
    if (!isOwn(document) || signer.device !== document.server) throw broken(chain, 'the gap notice is of another')
  }
  if (chain.delivery === null) return
  const { document, signer } = await trust.verify(chain.delivery, 'delivery')
  if (!isOwn(document) || signer.device !== document.server) throw broken(chain, 'the delivery receipt is of another')
  checkSigned(store, chain, document)
}

/** Invariant 4: nothing was signed for that is not opened here. */
function checkSigned(store: ServerStore, chain: StoredChain, receipt: DeliveryReceipt): void {
  const life = incarnation(store)
  if (receipt.incarnation.number > life.number) throw broken(chain, 'the receipt is of a later life of this server')
  if (receipt.through > chain.through || receipt.safeThrough > chain.safeThrough)
    throw broken(chain, 'the receipt says more than is opened')
  const opened = store.$client
    .prepare<[string, string, number], { seq: number; digest: string }>(
      `SELECT seq, manifest_digest digest FROM batches WHERE producer = ? AND chain = ? AND seq >= ? AND state = 'opened'`,
    )
    .all(chain.producer, chain.chain, receipt.through)
  const seqs = new Set(opened.map(({ seq }) => seq))
  const claimed = receipt.above.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const found = [...seqs].filter((seq) => seq > receipt.through && covers(receipt, seq)).length
  const seqOf = new Map<string | null, number>(opened.map(({ seq, digest }) => [digest, seq]))
  const isNamed =
    (receipt.through === 0 || seqOf.get(receipt.throughDigest) === receipt.through) &&
    receipt.above.every(([, last, digest]) => seqOf.get(digest) === last)
  if (claimed !== found || !isNamed) throw broken(chain, 'the receipt names batches that are not opened')
}

function broken({ chain }: { chain: string }, why: string): WaybillError {
  return new WaybillError('PROVENANCE_BROKEN', `chain ${chain.slice(0, 8)}: ${why}`)
}
