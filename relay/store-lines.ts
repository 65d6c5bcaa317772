import { eq } from 'drizzle-orm'
import { sha256 } from '../shared/crypto/digest.ts'
import { paths } from '../shared/protocol/paths.ts'
import { RequisitionLine, type VisibleFields } from '../shared/protocol/requisition-line.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import type { Hold } from './open-store.ts'
import { facts, lines } from './schema.ts'

const maxLinesBytes = 16 * 1024 * 1024

/**
 * Takes a laptop's open requisition lines, in place of those it showed before, in one transaction. Of what it sends only the
 * fields that the study document makes visible are kept (invariant 6).
 * @returns how many there are
 */
export async function takeLines(hold: Hold, client: PeerClient, producer: string): Promise<number> {
  const shown = await client.lines(paths.lines, RequisitionLine, maxLinesBytes)
  const visible = shown.flatMap((line) => onlyVisible(line, hold.shelf.document))
  const name = `lines:${producer}`
  const value = sha256(JSON.stringify(visible))
  if (hold.store.select().from(facts).where(eq(facts.name, name)).get()?.value === value) return visible.length
  hold.commit((store) => {
    store.delete(lines).where(eq(lines.producer, producer)).run()
    for (const line of visible) {
      const row = { producer, model: line.model, pk: line.pk, line: JSON.stringify(line) }
      store
        .insert(lines)
        .values(row)
        .onConflictDoUpdate({ target: [lines.producer, lines.model, lines.pk], set: row })
        .run()
    }
    store.insert(facts).values({ name, value }).onConflictDoUpdate({ target: facts.name, set: { value } }).run()
  })
  return visible.length
}

function onlyVisible(line: RequisitionLine, study: StudyDocument): RequisitionLine[] {
  const mapping = study.models[line.model]?.requisition
  if (!mapping) return []
  const { requisition, model, pk, changeId, action } = line
  const names = Object.keys(mapping).filter((name) => name !== 'identifier') as (keyof VisibleFields)[]
  const fields: VisibleFields = Object.fromEntries(
    names.filter((name) => line.fields[name] !== undefined).map((name) => [name, line.fields[name]]),
  )
  return [{ requisition, model, pk, changeId, action, fields }]
}
