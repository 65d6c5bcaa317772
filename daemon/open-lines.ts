import type { Change } from '../shared/protocol/change.ts'
import type { RequisitionLine } from '../shared/protocol/requisition-line.ts'
import type { RequisitionMapping, StudyDocument } from '../shared/protocol/study-document.ts'
import { deriveLine } from '../shared/specimens/derive-line.ts'
import { mayBeVisible } from '../shared/specimens/never-visible.ts'
import type { DaemonStore } from './open-store.ts'

/** The app's field that each value of a line came from; a number is the mapping's own. */
type Sources = Record<string, string | number>
type Fields = Record<string, string | number | boolean | null>

interface Row {
  line: string
  sources: string
}

const run = 500

/**
 * Gives the function that keeps the latest state of a requisition's line; it does nothing for what is no requisition. An update
 * may name only the fields that it changed; a delete leaves a tombstone; an insert begins anew.
 */
export function openLineKeeper(store: DaemonStore, study: StudyDocument): (change: Change) => void {
  const find = store.$client.prepare<[string, string], Row>(
    'SELECT line, sources FROM open_lines WHERE model = ? AND pk = ?',
  )
  const put = store.$client.prepare(
    `INSERT INTO open_lines (model, pk, line, sources) VALUES (?, ?, ?, ?)
     ON CONFLICT (model, pk) DO UPDATE SET line = excluded.line, sources = excluded.sources`,
  )
  return (change) => {
    const mapping = study.models[change.model]?.requisition
    const line = deriveLine(change, study)
    if (!mapping || !line) return
    const before = change.action === 'insert' ? undefined : find.get(change.model, change.pk)
    const kept = merge(before, line, mapping, change)
    put.run(change.model, change.pk, JSON.stringify(kept.line), JSON.stringify(kept.sources))
  }
}

/**
 * All open lines as NDJSON, in the order of their first change, as this study document lets them be seen: what it does not map, or
 * maps from another field of the app, is left out (invariant 6).
 */
export function* readOpenLines(store: DaemonStore, study: StudyDocument): Generator<string> {
  const page = store.$client.prepare<[number], Row & { position: number }>(
    `SELECT rowid position, line, sources FROM open_lines WHERE rowid > ? ORDER BY rowid LIMIT ${run}`,
  )
  for (let rows = page.all(0); rows.length > 0; rows = page.all(rows.at(-1)?.position ?? 0))
    for (const row of rows) {
      const line = visibleLine(row, study)
      if (line) yield `${JSON.stringify(line)}\n`
    }
}

/** How many requisitions are open: those that were deleted are told of, and are not open. */
export function countOpenLines(store: DaemonStore, study: StudyDocument): number {
  const models = Object.keys(study.models).filter((model) => study.models[model]?.requisition)
  const counted = store.$client
    .prepare<[string], { count: number }>(
      `SELECT count(*) count FROM open_lines
       WHERE model IN (SELECT value FROM json_each(?)) AND line ->> '$.action' != 'delete'`,
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
