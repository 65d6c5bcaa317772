import { newNonce } from '../shared/crypto/digest.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { FeedContext } from './feed.ts'
import type { IngestContext } from './ingest.ts'
import { type TextPlace, textOf } from './opened-batches.ts'
import { type Decider, decide } from './own-chain.ts'
import { pendingDecisions } from './pending-decisions.ts'
import { ownModels } from './read-decision.ts'
import { type RecordView, readRecord } from './read-records.ts'
import { atPlace, recordPlace } from './record-place.ts'

/** One natural key, and the records that bear it now: perhaps one thing twice. */
export interface Duplicate {
  model: string
  records: RecordView[]
}

/** A merge that is in force. */
export interface MergeEntry {
  /** By which it is retracted. */
  merge: string
  model: string
  pks: string[]
  user: string
  reason: string
  decidedAt: string
  /** The change that decides it. */
  change: string
}

const mergeModel = `${ownModels}merge`
const mostPks = 100
const shortest = 8

/** Records that bear one natural key and are not merged, a natural key at a time. @throws as readFeed */
export async function* listDuplicates(context: FeedContext): AsyncGenerator<Duplicate> {
  const client = context.store.$client
  const next = client.prepare<[Buffer], { key: Buffer; model: string }>(
    'SELECT key, model FROM duplicates WHERE key > ? ORDER BY key LIMIT 500',
  )
  const bearers = client
    .prepare<[Buffer], string>(
      `SELECT DISTINCT m.pk FROM natural_keys n JOIN records r ON r.ordinal = n.record
       JOIN records m ON m.ordinal = coalesce(r.canonical, r.ordinal) WHERE n.key = ? AND n.shows = 1 ORDER BY m.pk`,
    )
    .pluck()
  let last: Buffer = Buffer.alloc(0)
  for (let rows = next.all(last); rows.length > 0; rows = next.all(last)) {
    for (const { key, model } of rows) {
      const records = await Promise.all(bearers.all(key).map((pk) => readRecord(context, model, pk)))
      if (records.length > 1) yield { model, records }
    }
    last = rows.at(-1)?.key ?? last
  }
}

/** Merges in force, in the order in which they were decided. @throws as readFeed */
export async function listMerges(context: FeedContext): Promise<MergeEntry[]> {
  const rows = context.store.$client
    .prepare<[], TextPlace & { merge: string; model: string; pks: string }>(
      `SELECT c.position, c.digest, c.batch, c.number, r.pk merge, m.model, m.pks FROM merges m
       JOIN changes c ON c.position = m.change JOIN records r ON r.ordinal = c.record ORDER BY c.position`,
    )
    .all()
  const merges: MergeEntry[] = []
  for (const row of rows) {
    const { merge, model, pks } = row
    const { id, user, reason, recordedAt } = (await textOf(context, row)).change
    merges.push({ merge, model, pks: JSON.parse(pks), user, reason: reason ?? '', decidedAt: recordedAt, change: id })
  }
  return merges
}

/**
 * Decides that several records of a model are one. They stay what they are, and `retractMerge` parts them again.
 * @returns the id of the decision
 * @throws NOT_FOUND for a record that is not here, BAD_ARGUMENT, ALREADY_DECIDED; as decide
 */
export function mergeRecords(context: IngestContext, who: Decider, model: string, pks: string[]): Promise<string> {
  const merge = newNonce()
  return decide(context, who, async () => {
    const pending = await pendingDecisions(context)
    checkMergeable(context, model, pks)
    const isSame = (decided: unknown) =>
      Array.isArray(decided) && decided.toSorted().join('\n') === pks.toSorted().join('\n')
    if (pending.some((one) => one.model === mergeModel && one.fields.model === model && isSame(one.fields.pks)))
      throw new WaybillError('ALREADY_DECIDED', 'these are merged, and that is not applied yet')
    const fields = { model, pks, reason: who.reason }
    return { model: mergeModel, action: 'insert', pk: merge, naturalKey: [], fields, base: [] }
  })
}

/**
 * Decides that a merge does not hold any more. Records that another merge in force holds together stay together.
 * @param named the merge, or its first digits, as `listMerges` tells it
 * @returns the id of the decision
 * @throws NOT_FOUND, ALREADY_DECIDED; as decide
 */
export function retractMerge(context: IngestContext, who: Decider, named: string): Promise<string> {
  return decide(context, who, async () => {
    const pending = await pendingDecisions(context)
    const found = (await listMerges(context)).filter(({ merge }) => named.length >= shortest && merge.startsWith(named))
    const [only, another] = found
    if (!only) throw new WaybillError('NOT_FOUND', `no merge ${named} is in force`)
    if (another)
      throw new WaybillError('BAD_ARGUMENT', `${named} names several: ${found.map(({ merge }) => merge).join(', ')}`)
    const { merge: pk } = only
    if (pending.some((one) => one.model === mergeModel && one.pk === pk))
      throw new WaybillError('ALREADY_DECIDED', `merge ${pk} is retracted, and that is not applied yet`)
    return { model: mergeModel, action: 'delete', pk, naturalKey: [], fields: {}, base: [] }
  })
}

function checkMergeable({ store }: IngestContext, model: string, pks: string[]): void {
  if (model.startsWith(ownModels)) throw new WaybillError('BAD_ARGUMENT', 'decisions are not merged')
  if (new Set(pks).size < 2 || new Set(pks).size < pks.length || pks.length > mostPks)
    throw new WaybillError('BAD_ARGUMENT', `a merge names 2 to ${mostPks} primary keys, each once`)
  const find = store.$client.prepare<[number, string, string], { canonical: number }>(
    `SELECT coalesce(canonical, ordinal) canonical FROM records WHERE ${atPlace} AND known = 1`,
  )
  const classes = pks.map((pk) => {
    const record = find.get(...recordPlace(model, pk))
    if (!record) throw new WaybillError('NOT_FOUND', `no record ${pk} of ${model} is here`)
    return record.canonical
  })
  if (new Set(classes).size === 1) throw new WaybillError('ALREADY_DECIDED', 'these are merged already')
}
