import { and, eq, sql } from 'drizzle-orm'
import { closesLine } from '../shared/handover/closes-line.ts'
import type { Handover } from '../shared/protocol/handover.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { RelayStore } from './open-store.ts'
import { lines } from './schema.ts'

/**
 * A revision of a handover was signed: the lines that it closes are closed here too, whether or not the laptop has heard of it, in
 * place of what an older revision of it closed. Call it inside the transaction that stores the signature.
 */
export function closeLines(store: RelayStore, handover: Handover, { reasons }: StudyDocument): void {
  const { id, giver, revision } = handover
  const isOlder = store.all(sql`select 1 from desk_revisions r where r.handover = ${id} and r.revision > ${revision}
    and exists (select 1 from desk_signatures s where s.revision_digest = r.digest)`)
  if (isOlder.length > 0) return
  const isTwin = store.all(sql`select 1 from desk_revisions r where r.handover = ${id} and r.revision = ${revision}
    limit 1 offset 1`)
  if (isTwin.length === 0) store.update(lines).set({ closedBy: null }).where(eq(lines.closedBy, id)).run()
  for (const line of handover.lines.filter((one) => closesLine(one, reasons))) {
    const isSame = sql`${lines.line} ->> '$.changeId' = ${line.changeId}`
    store
      .update(lines)
      .set({ closedBy: id })
      .where(and(eq(lines.producer, giver), eq(lines.model, line.model), eq(lines.pk, line.pk), isSame))
      .run()
  }
}
