import type { Change } from '../shared/protocol/change.ts'
import type { OpenLine, RequisitionLine } from '../shared/protocol/requisition-line.ts'
import type { RequisitionMapping, StudyDocument } from '../shared/protocol/study-document.ts'
import { deriveLine } from '../shared/specimens/derive-line.ts'
import { mayBeVisible } from '../shared/specimens/never-visible.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { doubtAt } from './clock-steps.ts'
import type { DaemonStore } from './open-store.ts'

/** The app's field that each value of a line came from; a number is the mapping's own. */
type Sources = Record<string, string | number>
type Fields = Record<string, string | number | boolean | null>

interface Row {
  line: string
  sources: string
}

interface OpenRow extends Row {
  position: number
  handedOver: string | null
}

const run = 500
/** Another handover that closed it at the same change, when two drivers are here at once, is none that it changed since. */
const lastHandover = `(SELECT json_object('handover', handover, 'changeId', change_id, 'at', at) FROM closed_lines c
  WHERE c.model = l.model AND c.pk = l.pk AND c.change_id != l.line ->> '$.changeId' ORDER BY position DESC LIMIT 1)`
const nextOpen = `SELECT rowid FROM open_lines WHERE closed = 0 AND rowid > @after ORDER BY rowid LIMIT ${run}`
const closedBy = `SELECT o.rowid FROM closed_lines c JOIN open_lines o ON o.model = c.model AND o.pk = c.pk
  WHERE c.handover = @handover AND o.closed = 1 AND c.change_id = o.line ->> '$.changeId' AND o.rowid > @after`

/**
 * Gives the function that keeps the latest state of a requisition's line; it does nothing for what is no requisition. An update
 * may name only the fields that it changed; a delete leaves a tombstone; an insert begins anew.
 */
export function openLineKeeper(store: DaemonStore, study: StudyDocument): (change: Change) => void {
  const find = store.$client.prepare<[string, string], Row>(
    'SELECT line, sources FROM open_lines WHERE model = ? AND pk = ?',
  )
  const put = store.$client.prepare(
    `INSERT INTO open_lines (model, pk, line, sources, closed) VALUES (@model, @pk, @line, @sources,
       EXISTS (SELECT 1 FROM closed_lines WHERE model = @model AND pk = @pk AND change_id = @changeId))
     ON CONFLICT (model, pk) DO UPDATE SET line = excluded.line, sources = excluded.sources, closed = excluded.closed`,
  )
  return (change) => {
    const mapping = study.models[change.model]?.requisition
    const line = deriveLine(change, study)
    if (!mapping || !line) return
    const before = change.action === 'insert' ? undefined : find.get(change.model, change.pk)
    const kept = merge(before, line, mapping, change)
    const { model, pk, id: changeId } = change
    put.run({ model, pk, changeId, line: JSON.stringify(kept.line), sources: JSON.stringify(kept.sources) })
  }
}

/**
 * All open lines in the order of their first change, as this study document lets them be seen: what it does not map, or maps from
 * another field of the app, is left out (invariant 6). A line that a signed handover closed is not open until its record changes.
 * @param now this laptop's time: a later one is doubtful
 * @param handover also gives the lines that this one closed, as if it had not
 */
export function* readOpenLines(
  store: DaemonStore,
  study: StudyDocument,
  now: Date,
  handover?: string,
): Generator<OpenLine> {
  const isDoubtful = doubtAt(store, now)
  const page = prepared<[{ after: number; handover: string | null }], OpenRow>(
    store.$client,
    `SELECT rowid position, line, sources, ${lastHandover} handedOver FROM open_lines l
     WHERE rowid IN (SELECT * FROM (${nextOpen}) UNION ALL ${closedBy}) ORDER BY rowid LIMIT ${run}`,
  )
  const pageAfter = (after: number) => page.all({ after, handover: handover ?? null })
  for (let rows = pageAfter(0); rows.length > 0; rows = pageAfter(rows.at(-1)?.position ?? 0))
    for (const row of rows) {
      const line = visibleLine(row, study)
      if (!line) continue
      const { drawnAt } = line.fields
      const doubtful = typeof drawnAt === 'string' && isDoubtful(drawnAt)
      yield { ...line, handedOver: JSON.parse(row.handedOver ?? 'null'), doubtful }
    }
}

/** How many requisitions are open: those that were deleted are told of, and are not open. */
export function countOpenLines(store: DaemonStore, study: StudyDocument): number {
  const models = Object.keys(study.models).filter((model) => study.models[model]?.requisition)
  const counted = store.$client
    .prepare<[string], { count: number }>(
      `SELECT count(*) count FROM open_lines
       WHERE closed = 0 AND model IN (SELECT value FROM json_each(?)) AND line ->> '$.action' != 'delete'`,
    )
    .get(JSON.stringify(models))
  return counted?.count ?? 0
}

function merge(
  before: Row | undefined,
  line: RequisitionLine,
  mapping: RequisitionMapping,
  change: Change,
): { line: RequisitionLine; sources: Sources } {
  const old: { line?: RequisitionLine; sources: Sources } = before
    ? { line: JSON.parse(before.line), sources: JSON.parse(before.sources) }
    : { sources: {} }
  const fields: Fields = { ...old.line?.fields }
  const sources = { ...old.sources }
  const isNamed = (source: string | number) => typeof source === 'number' || Object.hasOwn(change.fields, source)
  for (const [name, source] of Object.entries(mapping).filter(([, source]) => isNamed(source))) {
    sources[name] = source
    const value = line.fields[name as keyof RequisitionLine['fields']]
    if (value === undefined) delete fields[name]
    else fields[name] = value
  }
  const requisition = isNamed(mapping.identifier) ? line.requisition : (old.line?.requisition ?? null)
  return { line: { ...line, requisition, fields }, sources }
}

function visibleLine(row: Row, study: StudyDocument): RequisitionLine | undefined {
  const line: RequisitionLine = JSON.parse(row.line)
  const sources: Sources = JSON.parse(row.sources)
  const mapping = study.models[line.model]?.requisition
  if (!mapping) return undefined
  const isShown = (name: string, source: string) => sources[name] === source && mayBeVisible(source)
  const fields: Fields = {}
  for (const [name, source] of Object.entries(mapping)) {
    const value = typeof source === 'number' ? source : line.fields[name as keyof RequisitionLine['fields']]
    if (value !== undefined && (typeof source === 'number' || isShown(name, source))) fields[name] = value
  }
  return { ...line, requisition: isShown('identifier', mapping.identifier) ? line.requisition : null, fields }
}
