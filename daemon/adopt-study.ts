import canonicalize from 'canonicalize'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Change } from '../shared/protocol/change.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { recountAll } from './cover.ts'
import { readFact, writeFact } from './facts.ts'
import { openLineKeeper } from './open-lines.ts'
import type { DaemonStore } from './open-store.ts'

const run = 500

/**
 * Does what follows from the study document in force, once a change of it: which servers' delivery counts, and which fields of the
 * changes that are still in plain text make requisition lines. What was recorded before a model was mapped was carried and held
 * (invariant 1); now its lines are served. Call it before sealing erases the plain text. One transaction.
 */
export function adoptStudy(store: DaemonStore, study: StudyDocument): void {
  const servers = JSON.stringify(study.servers.toSorted())
  const mapping = mappingOf(study)
  if (readFact(store, 'servers') === servers && readFact(store, 'mapping') === mapping) return
  store.$client
    .transaction(() => {
      if (readFact(store, 'servers') !== servers) {
        writeFact(store, 'servers', servers)
        recountAll(store)
      }
      if (readFact(store, 'mapping') !== mapping) {
        readOutboxAgain(store, study)
        writeFact(store, 'mapping', mapping)
      }
    })
    .immediate()
}

/**
 * Says that lines were kept under this study document: another program may have it newer or older. Where that is so, the next
 * adopting reads the outbox again. Call it inside the transaction that keeps them.
 */
export function noteMapping(store: DaemonStore, mapping: string): void {
  const adopted = readFact(store, 'mapping')
  if (adopted !== mapping && adopted !== '') writeFact(store, 'mapping', '')
}

/** The same text for two study documents that make the same lines. */
export function mappingOf({ models }: StudyDocument): string {
  const mapped = Object.entries(models).filter(([, { requisition }]) => requisition)
  return sha256(canonicalize(Object.fromEntries(mapped)) ?? '')
}

/** In order and from the first: what a later change named stays, so a second reading changes nothing. */
function readOutboxAgain(store: DaemonStore, study: StudyDocument): void {
  if (!Object.values(study.models).some(({ requisition }) => requisition)) return
  const keepLine = openLineKeeper(store, study)
  const page = store.$client.prepare<[number], { position: number; line: string }>(
    `SELECT position, line FROM outbox WHERE position > ? ORDER BY position LIMIT ${run}`,
  )
  for (let rows = page.all(0); rows.length > 0; rows = page.all(rows.at(-1)?.position ?? 0))
    for (const { line } of rows) keepLine(JSON.parse(line) as Change)
}
