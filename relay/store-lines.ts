import { and, eq, isNull, sql } from 'drizzle-orm'
import { sha256 } from '../shared/crypto/digest.ts'
import { paths } from '../shared/protocol/paths.ts'
import { OpenLine, type VisibleFields } from '../shared/protocol/requisition-line.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { labelOf } from '../shared/specimens/read-scan.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { hasOpenHandover } from './handover-lines.ts'
import type { Hold, RelayStore } from './open-store.ts'
import { facts, lines } from './schema.ts'

const maxLinesBytes = 16 * 1024 * 1024

/**
 * Takes a laptop's open requisition lines, in place of those it showed before, in one transaction. Of what it sends only the
 * fields that the study document makes visible are kept (invariant 6). What it does not show any more stays where a handover aboard
 * closed it, or may yet turn out to have.
 */
export async function takeLines(hold: Hold, client: PeerClient, producer: string): Promise<void> {
  const shown = await client.lines(paths.lines, OpenLine, maxLinesBytes)
  const study = hold.shelf.document
  const digest = sha256(shown.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const value = JSON.stringify([digest, study.version])
  const name = factOf(producer)
  if (takenOf(hold.store, producer) === value) return
  hold.commit((store) => {
    store.update(lines).set({ served: false }).where(eq(lines.producer, producer)).run()
    for (const line of shown.flatMap((one) => onlyVisible(one, study))) putLine(store, producer, line)
    const isGone = and(eq(lines.producer, producer), eq(lines.served, false), isNull(lines.closedBy))
    // The laptop may have closed them by a signature that is still on its way here.
    if (!hasOpenHandover(store, producer)) store.delete(lines).where(isGone).run()
    store.insert(facts).values({ name, value }).onConflictDoUpdate({ target: facts.name, set: { value } }).run()
  })
  hold.tubes.tell()
}

/** A line that has changed since a handover closed it is open again; one that has not may be shown by a laptop that does not know. */
function putLine(store: RelayStore, producer: string, line: OpenLine): void {
  const { model, pk, requisition, changeId } = line
  const label = requisition === null ? null : labelOf(requisition)
  const shown = { line: JSON.stringify(line), served: true, label }
  const isSame = sql`${lines.line} ->> '$.changeId' = ${changeId}`
  store
    .insert(lines)
    .values({ producer, model, pk, ...shown })
    .onConflictDoUpdate({
      target: [lines.producer, lines.model, lines.pk],
      set: { ...shown, closedBy: sql`case when ${isSame} then ${lines.closedBy} end` },
    })
    .run()
}

/** Whether the lines that are here are those that the laptop serves, by the sha-256 that it tells of them. */
export function hasLines(hold: Hold, producer: string, digest: string): boolean {
  return takenOf(hold.store, producer) === JSON.stringify([digest, hold.shelf.document.version])
}

function takenOf({ $client }: RelayStore, producer: string): string | undefined {
  const noted = prepared<[string], { value: string }>($client, 'SELECT value FROM facts WHERE name = ?')
  return noted.get(factOf(producer))?.value
}

/** Where it is noted which lines of a laptop were taken. */
export function factOf(producer: string): string {
  return `lines:${producer}`
}

function onlyVisible(line: OpenLine, study: StudyDocument): OpenLine[] {
  const mapping = study.models[line.model]?.requisition
  if (!mapping) return []
  const { requisition, model, pk, changeId, action, handedOver, doubtful } = line
  const names = Object.keys(mapping).filter((name) => name !== 'identifier') as (keyof VisibleFields)[]
  const fields: VisibleFields = Object.fromEntries(
    names.filter((name) => line.fields[name] !== undefined).map((name) => [name, line.fields[name]]),
  )
  return [{ requisition, model, pk, changeId, action, fields, handedOver, doubtful }]
}
