import type { RequisitionLine } from '../shared/protocol/requisition-line.ts'
import type { DaemonStore } from './open-store.ts'

/** Gives the function that keeps the latest state of a requisition's line. A delete leaves a tombstone. */
export function openLineKeeper(store: DaemonStore): (line: RequisitionLine) => void {
  const find = store.$client.prepare<[string, string], { line: string }>(
    'SELECT line FROM open_lines WHERE model = ? AND pk = ?',
  )
  const put = store.$client.prepare('INSERT OR REPLACE INTO open_lines (model, pk, line) VALUES (?, ?, ?)')
  return (line) => {
    const before = find.get(line.model, line.pk)
    put.run(line.model, line.pk, JSON.stringify(before ? merge(JSON.parse(before.line), line) : line))
  }
}

/** All open lines as NDJSON, in the order of their first change. */
export function* readOpenLines(store: DaemonStore): Generator<string> {
  const rows = store.$client.prepare<[], { line: string }>('SELECT line FROM open_lines ORDER BY rowid').iterate()
  for (const { line } of rows) yield `${line}\n`
}

/** An update may name only the fields that it changed; a delete names none. */
function merge(before: RequisitionLine, line: RequisitionLine): RequisitionLine {
  return { ...line, requisition: line.requisition ?? before.requisition, fields: { ...before.fields, ...line.fields } }
}
