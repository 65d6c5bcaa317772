import { WaybillError } from '../shared/service/errors.ts'
import { ChainPlaces } from './chain-places.ts'
import type { IngestContext } from './ingest.ts'
import { isLost } from './lost-payload.ts'
import { type Decider, type Draft, decide } from './own-chain.ts'
import { decidedOn, findBatch, followersOf, type StoredBatch } from './waiting-batches.ts'

/** What a decision is about: the batch that it names, those that wait behind it on its branch, and whether those to come are meant as well. */
export interface Meant {
  batch: StoredBatch
  follow: StoredBatch[]
  /** The last that is released; null where all that follows on the branch is, whenever it comes. */
  through: string | null
}

/** What was decided. */
export interface DecidedOnBatch extends Meant {
  /** Its id. */
  decision: string
}

/**
 * What releasing a batch would release. Of a fork: its branch, also what comes later. Of a revoked device: what is here now, or through the
 * batch that is named; what comes later waits again. One that was set aside: itself, it is tried again.
 * @param through the last batch that is released with it, by its digest or the first digits of it
 * @throws NOT_FOUND, BAD_ARGUMENT
 */
function meantBy(context: IngestContext, named: string, through?: string): Meant {
  const batch = findBatch(context, named)
  const follow = isHeld(batch) ? followersOf(context, batch) : []
  if (through !== undefined) {
    const last = findBatch(context, through)
    if (last.ordinal !== batch.ordinal && !follow.some(({ ordinal }) => ordinal === last.ordinal))
      throw new WaybillError('BAD_ARGUMENT', `batch ${last.seq} does not wait behind batch ${batch.seq} on its branch`)
    return { batch, follow: follow.filter(({ seq }) => seq <= last.seq), through: last.digest }
  }
  const isRevoked = context.shelf.document.revocations.some(({ device }) => device === batch.producer)
  if (isHeld(batch) && batch.code === 'BATCH_CONFLICT' && !isRevoked) return { batch, follow, through: null }
  return { batch, follow, through: follow.at(-1)?.digest ?? batch.digest }
}

/**
 * Decides that a batch is opened and applied, with what follows on its branch as `meantBy` tells it. What a person has refused can be
 * released all the same. It is not taken back: what was applied can be discarded change by change.
 * @param before called with what is about to be released, once nothing speaks against it
 * @throws NOT_FOUND, ALREADY_DECIDED, BAD_ARGUMENT for one that waits for nobody, or behind another that waits; as decide
 */
export async function releaseBatch(
  context: IngestContext,
  who: Decider,
  named: string,
  through?: string,
  before: (meant: Meant) => void = () => undefined,
): Promise<DecidedOnBatch> {
  let meant: Meant | undefined
  const decision = await decide(context, who, async () => {
    meant = meantBy(context, named, through)
    const { batch } = meant
    await checkUndecided(context, batch)
    const first = firstWaiting(context, batch)
    if (first)
      throw new WaybillError(
        'BAD_ARGUMENT',
        `batch ${first.seq} before it waits as well: release ${first.digest.slice(0, 12)}, and what follows comes along`,
      )
    before(meant)
    return draft('waybill.release', batch, { through: meant.through, reason: who.reason })
  })
  return { decision, ...(meant as Meant) }
}

/**
 * Decides that a batch, and what follows on its branch, is not opened. Its sealed payload stays, and it can be released later; nothing of
 * it is delivered, so that whoever has it keeps it.
 * @throws as releaseBatch; BAD_ARGUMENT also for one whose payload this server's disk lost
 */
export async function refuseBatch(context: IngestContext, who: Decider, named: string): Promise<DecidedOnBatch> {
  let meant: Meant | undefined
  const decision = await decide(context, who, async () => {
    const batch = findBatch(context, named)
    await checkUndecided(context, batch)
    if (batch.state === 'refused') throw new WaybillError('ALREADY_DECIDED', `batch ${batch.seq} is refused`)
    const lost = context.store.$client.prepare(`SELECT 1 FROM batches WHERE ordinal = ? AND ${isLost}`)
    if (lost.get(batch.ordinal))
      throw new WaybillError(
        'BAD_ARGUMENT',
        `this server's disk lost batch ${batch.seq}; whoever has it brings it again`,
      )
    meant = { batch, follow: isHeld(batch) ? followersOf(context, batch) : [], through: null }
    return draft('waybill.refuse', batch, { reason: who.reason })
  })
  return { decision, ...(meant as Meant) }
}

/** @throws ALREADY_DECIDED where somebody else was quicker; BAD_ARGUMENT for what waits for nobody */
async function checkUndecided(context: IngestContext, { digest, state, seq, code }: StoredBatch): Promise<void> {
  const pending = (await decidedOn(context)).get(digest)
  if (pending !== undefined)
    throw new WaybillError('ALREADY_DECIDED', `${pending} is decided for batch ${seq}, and not applied yet`)
  if (state === 'held' || state === 'quarantined' || state === 'refused') return
  const named = context.store.$client.prepare("SELECT 1 FROM batch_decisions WHERE decision = 'release' AND batch = ?")
  if (named.get(digest)) throw new WaybillError('ALREADY_DECIDED', `batch ${seq} is released`)
  throw new WaybillError(
    'BAD_ARGUMENT',
    `batch ${seq} is ${state === 'ingested' ? 'not looked at yet' : `opened${code === 'BATCH_CONFLICT' ? ', from before the fork was known' : ''}`}`,
  )
}

/** The first of its branch that waits before it. */
function firstWaiting({ store }: IngestContext, batch: StoredBatch): StoredBatch | undefined {
  if (!isHeld(batch)) return undefined
  const places = new ChainPlaces(store)
  return store.$client
    .prepare<[string, string, number], StoredBatch>(
      `SELECT ordinal, manifest_digest digest, seq, state, code FROM batches
       WHERE producer = ? AND chain = ? AND seq < ? AND state IN ('held', 'refused') ORDER BY seq`,
    )
    .all(batch.producer, batch.chain, batch.seq)
    .find((other) => isHeld(other) && places.leadsTo(other.ordinal, batch.ordinal))
}

/** What waits with others of its chain; what was set aside does so by itself. */
function isHeld({ state, code }: Pick<StoredBatch, 'state' | 'code'>): boolean {
  return (state === 'held' || state === 'refused') && (code === 'BATCH_CONFLICT' || code === 'REVOKED')
}

function draft(model: string, { digest }: StoredBatch, fields: { through?: string | null; reason: string }): Draft {
  return { model, action: 'insert', pk: digest, naturalKey: [], fields: { batch: digest, ...fields }, base: [] }
}
