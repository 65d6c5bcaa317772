import { closesLine } from '../shared/handover/closes-line.ts'
import type { Handover } from '../shared/protocol/handover.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { DaemonStore } from './open-store.ts'

/**
 * A revision of a handover was signed: the lines whose tubes went with it, or will not come any more, are closed as they were then,
 * in place of what an older revision of it closed. A later change of such a record opens its line again. Call it inside the
 * transaction that stores the signature.
 */
export function closeLines(store: DaemonStore, handover: Handover, { reasons }: StudyDocument): void {
  const client = store.$client
  const { id, revision, at } = handover
  const newest = client
    .prepare<[string], { revision: number | null }>(
      'SELECT max(revision) revision FROM closed_lines WHERE handover = ?',
    )
    .get(id)
  if ((newest?.revision ?? 0) > revision) return
  openOlder(store, id, revision)
  const put = client.prepare(
    `INSERT INTO closed_lines (model, pk, handover, revision, change_id, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (model, pk, handover) DO UPDATE SET revision = excluded.revision, change_id = excluded.change_id`,
  )
  const close = client.prepare(
    "UPDATE open_lines SET closed = 1 WHERE model = ? AND pk = ? AND line ->> '$.changeId' = ?",
  )
  for (const { model, pk, changeId } of handover.lines.filter((line) => closesLine(line, reasons))) {
    put.run(model, pk, id, revision, changeId, at)
    close.run(model, pk, changeId)
  }
}

/** What only an older revision of the handover closed is open again. */
function openOlder({ $client: client }: DaemonStore, handover: string, revision: number): void {
  const older = client
    .prepare<[string, number], { model: string; pk: string }>(
      'DELETE FROM closed_lines WHERE handover = ? AND revision < ? RETURNING model, pk',
    )
    .all(handover, revision)
  const open = client.prepare(
    `UPDATE open_lines SET closed = EXISTS (SELECT 1 FROM closed_lines c WHERE c.model = open_lines.model
     AND c.pk = open_lines.pk AND c.change_id = line ->> '$.changeId') WHERE model = ? AND pk = ?`,
  )
  for (const { model, pk } of older) open.run(model, pk)
}
