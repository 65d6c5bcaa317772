import type { Change } from '../shared/protocol/change.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { FeedContext } from './feed.ts'
import { stateColumn } from './find-change.ts'
import { type TextPlace, textOf } from './opened-batches.ts'
import { atPlace, hashesOf, placeHash, recordPlace } from './record-place.ts'
import type { ChangeState } from './settle-change.ts'

/** A record as it is now. */
export interface RecordView {
  model: string
  pk: string
  state: 'present' | 'deleted'
  naturalKey: Change['naturalKey']
  fields: Change['fields']
  /** The id and the digest of the change that it shows. */
  change: string
  digest: string
  producer: string
  batch: string
  user: string
  recordedAt: string
  conflict: boolean
  /** Its own first, then of those that are merged into it. */
  pks: string[]
}

/** A change of a record, with what became of it. */
export interface HistoryEntry {
  change: Change
  digest: string
  producer: string
  chain: string
  seq: number
  batch: string
  ingestedAt: string
  state: ChangeState
  /** Why it is not applied. */
  code: string | null
  message: string | null
  isHead: boolean
  isShown: boolean
}

interface Canonical {
  ordinal: number
  model: string
  pk: string
  shown: number | null
  state: 'none' | 'present' | 'deleted'
  conflict: number
}

const page = 500
const columns = 'ordinal, model, pk, shown, state, conflict'

/**
 * A record as it is now; a merged pk answers with its canonical record.
 * @throws NOT_FOUND where no change of it is applied; as readFeed
 */
export async function readRecord(context: FeedContext, model: string, pk: string): Promise<RecordView> {
  const record = canonicalAt(context, model, pk)
  const view = record && (await viewOf(context, record))
  if (!view) throw new WaybillError('NOT_FOUND', `no record ${pk} of ${model} is here`)
  return view
}

/**
 * The records of a model as they are now, at most `limit`, in an order that stays: those that come after `afterPk` in it, which need not be
 * one of them. @throws as readFeed
 */
export async function* listRecords(
  context: FeedContext,
  model: string,
  afterPk: string,
  limit: number,
): AsyncGenerator<RecordView> {
  const next = context.store.$client.prepare<[number, string, number, string, number], Canonical>(
    `SELECT ${columns} FROM records WHERE (place_hash, pk) > (?, ?) AND place_hash <= ? AND model = ? AND shown IS NOT NULL
     ORDER BY place_hash, pk LIMIT ?`,
  )
  const [first, last] = hashesOf(model)
  const hashAt = (pk: string) => (pk === '' ? first : placeHash(model, pk))
  let [after, left] = [afterPk, limit]
  while (left > 0) {
    const records = next.all(hashAt(after), after, last, model, Math.min(left, page))
    if (records.length === 0) return
    for (const record of records) {
      const view = await viewOf(context, record)
      if (view) yield view
    }
    left -= records.length
    after = records.at(-1)?.pk ?? after
  }
}

/** Every change of a record that nothing supersedes, the shown one first. @throws NOT_FOUND; as readFeed */
export async function headsOf(context: FeedContext, model: string, pk: string): Promise<HistoryEntry[]> {
  const record = canonicalAt(context, model, pk)
  if (!record || record.shown === null) throw new WaybillError('NOT_FOUND', `no record ${pk} of ${model} is here`)
  const { shown } = record
  const heads = [...headsIn(context, record)].sort((a, b) => Number(b === shown) - Number(a === shown) || a - b)
  const places = heads.flatMap((position) => changesOf(context, 'c.position = ?', position))
  return Promise.all(places.map((place) => entryOf(context, record, place)))
}

/** Every change of a record that ever arrived, in the order of arrival, with those merged into it. @throws NOT_FOUND; as readFeed */
export async function* historyOf(context: FeedContext, model: string, pk: string): AsyncGenerator<HistoryEntry> {
  const record = canonicalAt(context, model, pk)
  if (!record) throw new WaybillError('NOT_FOUND', `no record ${pk} of ${model} is here`)
  let after = 0
  for (;;) {
    const places = changesOf(
      context,
      `c.position > ? AND c.record IN (SELECT ordinal FROM records WHERE ordinal = ? OR canonical = ?)
       ORDER BY c.position LIMIT ${page}`,
      ...[after, record.ordinal, record.ordinal],
    )
    for (const place of places) yield await entryOf(context, record, place)
    if (places.length < page) return
    after = places.at(-1)?.position ?? after
  }
}

interface ChangePlace extends TextPlace {
  state: ChangeState
  code: string | null
  message: string | null
}

function changesOf({ store }: FeedContext, rule: string, ...values: number[]): ChangePlace[] {
  return store.$client
    .prepare<number[], ChangePlace>(
      `SELECT c.position, c.digest, c.batch, c.number, ${stateColumn}, a.code, a.message FROM changes c
       LEFT JOIN aside_changes a ON a.change = c.position WHERE ${rule}`,
    )
    .all(...values)
}

async function entryOf(context: FeedContext, record: Canonical, place: ChangePlace): Promise<HistoryEntry> {
  const { change, batch } = await textOf(context, place)
  const { digest, producer, chain, seq, ingestedAt } = batch
  return {
    ...{ change, digest: place.digest.toString('hex'), producer, chain, seq, batch: digest, ingestedAt },
    ...{ state: place.state, code: place.code, message: place.message },
    isHead: headsIn(context, record).has(place.position),
    isShown: place.position === record.shown,
  }
}

function headsIn({ store }: FeedContext, { ordinal, shown, conflict }: Canonical): Set<number> {
  if (conflict === 0) return new Set(shown === null ? [] : [shown])
  const heads = store.$client
    .prepare<[number], { change: number }>('SELECT change FROM heads WHERE record = ?')
    .all(ordinal)
  return new Set(heads.map(({ change }) => change))
}

function canonicalAt({ store }: FeedContext, model: string, pk: string): Canonical | undefined {
  return store.$client
    .prepare<[number, string, string], Canonical>(
      `SELECT ${columns} FROM records WHERE ordinal = (SELECT coalesce(canonical, ordinal) FROM records WHERE ${atPlace})`,
    )
    .get(...recordPlace(model, pk))
}

async function viewOf(context: FeedContext, record: Canonical): Promise<RecordView | undefined> {
  const { store } = context
  const place = store.$client
    .prepare<[number | null], TextPlace>('SELECT position, digest, batch, number FROM changes WHERE position = ?')
    .get(record.shown)
  if (!place) return undefined
  const { change, batch } = await textOf(context, place)
  const merged = store.$client
    .prepare<[number], { pk: string }>('SELECT pk FROM records WHERE canonical = ? ORDER BY pk')
    .all(record.ordinal)
  const { naturalKey, fields, user, recordedAt } = change
  return {
    ...{ model: record.model, pk: record.pk, state: record.state === 'deleted' ? 'deleted' : 'present' },
    ...{ naturalKey, fields, change: change.id, digest: place.digest.toString('hex') },
    ...{ producer: batch.producer, batch: batch.digest, user, recordedAt, conflict: record.conflict === 1 },
    pks: [record.pk, ...merged.map(({ pk }) => pk)],
  }
}
