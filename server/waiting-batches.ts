import { readDocument } from '../shared/crypto/read-document.ts'
import type { Change } from '../shared/protocol/change.ts'
import { type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { inForce } from './batch-decisions.ts'
import { ChainPlaces } from './chain-places.ts'
import type { FeedContext } from './feed.ts'
import { textOf } from './opened-batches.ts'
import { pendingDecisions } from './pending-decisions.ts'

/** What became of a batch that is not opened, or was only when a person released it. */
export type BatchState = 'ingested' | 'opened' | 'held' | 'quarantined' | 'refused'

/** Who decided what on a batch, or on one that it follows. */
export interface BatchDecided {
  decision: 'release' | 'refuse'
  /** The batch that the decision names. */
  batch: string
  through: string | null
  user: string
  reason: string
  decidedAt: string
}

/** A batch that waits for a person, or that one refused: of whom, where in its chain, why, since when, by whom it was brought. */
export interface WaitingBatch {
  /** Its place in the order of arrival; a list goes on after it. */
  ordinal: number
  /** By which it is named. */
  digest: string
  state: BatchState
  code: ErrorCode | null
  message: string | null
  producer: string
  producerName: string
  chain: string
  /** The first batch of the branch in which it stands; null where its chain has not forked before it. */
  branch: string | null
  seq: number
  changes: number
  bytes: number
  since: string
  /** Who brought it; null where its laptop did itself. */
  courier: string | null
  /** A person has decided already, and it is not applied yet. */
  decided: 'release' | 'refuse' | null
  /** Who refused it, and why. */
  refused: BatchDecided | null
}

/** A batch with its documents as they are stored. */
export interface StoredBatch extends Omit<WaitingBatch, 'producerName' | 'courier' | 'decided' | 'refused'> {
  manifest: string
  custody: string
  previous: string | null
}

const page = 200
const shortest = 8
const columns = `ordinal, manifest_digest digest, state, code, message, producer, chain, branch, seq, previous, changes,
  payload_size bytes, ingested_at since, manifest, custody`
const models: Record<string, 'release' | 'refuse'> = { 'waybill.release': 'release', 'waybill.refuse': 'refuse' }

/** Batches that are not opened until a person decides, in the order in which they came; of one state, or those that wait. */
export async function* listWaiting(
  context: FeedContext,
  state?: 'held' | 'quarantined' | 'refused',
  after = 0,
): AsyncGenerator<WaitingBatch> {
  const states = state === undefined ? ['held', 'quarantined'] : [state]
  const next = context.store.$client.prepare<[string, number], StoredBatch>(
    `SELECT ${columns} FROM batches WHERE state IN (SELECT value FROM json_each(?)) AND ordinal > ? ORDER BY ordinal LIMIT ${page}`,
  )
  const pending = await decidedOn(context)
  let last = after
  for (
    let rows = next.all(JSON.stringify(states), last);
    rows.length > 0;
    rows = next.all(JSON.stringify(states), last)
  ) {
    for (const row of rows) yield await told(context, row, pending)
    last = rows.at(-1)?.ordinal ?? last
  }
}

/** A batch as it is told of. @throws as readFeed */
export async function told(
  context: FeedContext,
  { manifest: _manifest, custody, previous: _previous, ...batch }: StoredBatch,
  pending: Map<string, 'release' | 'refuse'>,
): Promise<WaitingBatch> {
  const { devices } = context.shelf.document
  const { from } = readDocument(custody, 'custody').document
  const nameOf = (device: string) => devices[device]?.name ?? device.slice(0, 8)
  return {
    ...batch,
    producerName: nameOf(batch.producer),
    courier: from === batch.producer ? null : nameOf(from),
    decided: pending.get(batch.digest) ?? null,
    refused: batch.state === 'refused' ? ((await decisionsOn(context, batch, 'refuse')).at(-1) ?? null) : null,
  }
}

/** What was decided on a batch, on one that it follows, or, where that is released with it, on one that follows it. */
export async function decisionsOn(
  context: FeedContext,
  batch: Pick<StoredBatch, 'ordinal' | 'producer' | 'chain'>,
  only?: 'release' | 'refuse',
): Promise<BatchDecided[]> {
  const places = new ChainPlaces(context.store)
  const found: BatchDecided[] = []
  for (const { decision, first, through, change } of inForce(context.store, batch)) {
    if ((only !== undefined && decision !== only) || !places.leadsTo(first, batch.ordinal)) continue
    const place = context.store.$client
      .prepare<[number], { position: number; digest: Buffer; batch: number; number: number }>(
        'SELECT position, digest, batch, number FROM changes WHERE position = ?',
      )
      .get(change)
    if (!place) continue
    const { user, reason = '', recordedAt: decidedAt, pk } = (await textOf(context, place)).change
    found.push({ decision, batch: pk, through, user, reason, decidedAt })
  }
  return found
}

/** What is decided on batches and not applied yet, by the digest of each. @throws as readFeed */
export async function decidedOn(context: FeedContext): Promise<Map<string, 'release' | 'refuse'>> {
  const decisions = await pendingDecisions(context)
  return new Map(
    decisions.flatMap(({ model, pk }: Change): Array<[string, 'release' | 'refuse']> => {
      const decision = Object.hasOwn(models, model) ? models[model] : undefined
      return decision === undefined ? [] : [[pk, decision]]
    }),
  )
}

/**
 * The batch that a person names, by its digest or the first digits of it.
 * @throws NOT_FOUND; BAD_ARGUMENT where several begin so, telling their digests
 */
export function findBatch({ store }: Pick<FeedContext, 'store'>, named: string): StoredBatch {
  const isDigits = /^[0-9a-f]+$/.test(named) && named.length >= shortest && named.length <= 64
  const found = isDigits
    ? store.$client
        .prepare<[string, string], StoredBatch>(
          `SELECT ${columns} FROM batches WHERE manifest_digest BETWEEN ? AND ? || 'g' ORDER BY ordinal LIMIT 10`,
        )
        .all(named, named)
    : []
  const [only, another] = found
  if (!only)
    throw new WaybillError('NOT_FOUND', `no batch ${named} is here; name one by 8 or more digits of its digest`)
  if (another)
    throw new WaybillError('BAD_ARGUMENT', `${named} names several: ${found.map(({ digest }) => digest).join(', ')}`)
  return only
}

/** The waiting batches that follow one on its branch, in order, as far as it does not fork again. */
export function followersOf({ store }: Pick<FeedContext, 'store'>, batch: StoredBatch): StoredBatch[] {
  const places = new ChainPlaces(store)
  return store.$client
    .prepare<[string, string, number], StoredBatch>(
      `SELECT ${columns} FROM batches WHERE producer = ? AND chain = ? AND seq > ? AND state IN ('held', 'refused') ORDER BY seq`,
    )
    .all(batch.producer, batch.chain, batch.seq)
    .filter(({ ordinal }) => places.isOneRun(batch.ordinal, ordinal))
}
