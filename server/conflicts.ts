import canonicalize from 'canonicalize'
import type { Change } from '../shared/protocol/change.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { aboutChange } from './about-change.ts'
import type { FeedContext } from './feed.ts'
import type { IngestContext } from './ingest.ts'
import { type Decider, type Draft, decide } from './own-chain.ts'
import { pendingDecisions } from './pending-decisions.ts'
import { type HistoryEntry, headsOf, readRecord } from './read-records.ts'

/** A record with several heads. */
export interface ConflictEntry {
  /** Its place in the list, which goes on after it. */
  ordinal: number
  model: string
  pk: string
  heads: number
  /** When the second of them was taken in. */
  since: string
}

/** All of a conflict, side by side. */
export interface Conflict {
  model: string
  pk: string
  pks: string[]
  /** The one that is shown meanwhile comes first. */
  heads: HistoryEntry[]
  /** Fields that are not the same in all of them. */
  differs: string[]
}

/** How a person resolves a conflict. */
export interface Resolution {
  model: string
  pk: string
  /** The digest, or its first digits, of the head that is right. Without it `fields` are, with the key of the one that is shown. */
  head?: string | undefined
  /** What the record is instead of that head's fields: all of them. */
  fields?: Change['fields'] | undefined
  /** Digests of the heads that the person has looked at; all that there are unless told. One that was not seen stays a head. */
  seen?: string[] | undefined
}

const mostBase = 64

/** Records in conflict, in the order in which they first came, at most `limit`. */
export function listConflicts({ store }: FeedContext, after = 0, limit = 500): ConflictEntry[] {
  return store.$client
    .prepare<[number, number], ConflictEntry>(
      `SELECT r.ordinal, r.model, r.pk, count(*) heads, (SELECT b.ingested_at FROM heads o
         JOIN changes c ON c.position = o.change JOIN batches b ON b.ordinal = c.batch
         WHERE o.record = r.ordinal ORDER BY c.position LIMIT 1 OFFSET 1) since
       FROM records r JOIN heads h ON h.record = r.ordinal
       WHERE r.conflict = 1 AND r.ordinal > ? GROUP BY r.ordinal ORDER BY r.ordinal LIMIT ?`,
    )
    .all(after, limit)
}

/** What contradicts itself of a record. @throws NOT_FOUND where there is no conflict; as readFeed */
export async function showConflict(context: FeedContext, model: string, pk: string): Promise<Conflict> {
  const record = await readRecord(context, model, pk)
  const heads = await headsOf(context, model, pk)
  if (heads.length < 2) throw new WaybillError('NOT_FOUND', `record ${pk} of ${model} is not in conflict`)
  return { model, pk: record.pk, pks: record.pks, heads, differs: differing(heads.map(({ change }) => change.fields)) }
}

/**
 * Decides what a record in conflict is: a change of the record itself, made upon the heads that were seen. A head that comes later, or
 * that was not seen, opens the conflict again.
 * @returns the id of the decision
 * @throws NOT_FOUND, ALREADY_DECIDED where somebody was quicker or a head that was seen is none any more, BAD_ARGUMENT, CHANGE_UNAPPLICABLE
 * where it would not apply; as decide
 */
export function resolveConflict(context: IngestContext, who: Decider, resolution: Resolution): Promise<string> {
  return decide(context, who, async () => {
    const pending = await pendingDecisions(context)
    const conflict = await showConflict(context, resolution.model, resolution.pk)
    const { model, pk, pks } = conflict
    if (pending.some((decision) => decision.model === model && pks.includes(decision.pk)))
      throw new WaybillError('ALREADY_DECIDED', `the conflict of ${pk} is resolved, and that is not applied yet`)
    const draft = draftOf(conflict, resolution)
    checkApplies(context, draft)
    return draft
  })
}

function draftOf({ model, pk, heads }: Conflict, { head, fields, seen }: Resolution): Draft {
  const seenHeads = seen ? heads.filter(({ digest }) => seen.includes(digest)) : heads
  if (seen && new Set(seen).size > seenHeads.length)
    throw new WaybillError('ALREADY_DECIDED', `record ${pk} has changed since it was looked at`)
  const chosen = head === undefined ? heads[0] : headNamed(seenHeads, head)
  if (!chosen || (head === undefined && !fields))
    throw new WaybillError('BAD_ARGUMENT', 'a resolution names a head, or the fields, or both')
  const base = [...new Set(seenHeads.map(({ change }) => change.id))].slice(0, mostBase)
  const isDelete = chosen.change.action === 'delete' && !fields
  // A delete may have left its natural key out.
  const keyed = isDelete || chosen.change.action !== 'delete' ? chosen : (heads.find(isEdit) ?? chosen)
  const { naturalKey } = keyed.change
  return { model, action: isDelete ? 'delete' : 'update', pk, naturalKey, fields: fields ?? chosen.change.fields, base }
}

function headNamed(heads: HistoryEntry[], named: string): HistoryEntry {
  const found = heads.filter(({ digest }) => digest.startsWith(named))
  const [only, another] = found
  if (!only || another || named === '')
    throw new WaybillError(
      'BAD_ARGUMENT',
      `${found.length} of the heads begin with ${named}: ${heads.map(({ digest }) => digest.slice(0, 12)).join(', ')}`,
    )
  return only
}

function isEdit({ change }: HistoryEntry): boolean {
  return change.action !== 'delete'
}

/** The registry may have changed since the heads were applied. */
function checkApplies({ shelf }: IngestContext, draft: Draft): void {
  const terms = { study: shelf.document, newest: shelf.document, decides: true }
  const about = aboutChange({ ...draft, id: 'draft', user: '', recordedAt: '' }, terms)
  if (about?.held)
    throw new WaybillError('MODEL_UNREGISTERED', `the study configuration has no ${draft.model} for offline use`)
  if (about?.wrong !== undefined) throw new WaybillError('CHANGE_UNAPPLICABLE', about.wrong)
}

function differing(all: Array<Change['fields']>): string[] {
  const names = new Set(all.flatMap((fields) => Object.keys(fields)))
  return [...names].filter((name) => new Set(all.map((fields) => canonicalize([fields[name] ?? null]))).size > 1).sort()
}
