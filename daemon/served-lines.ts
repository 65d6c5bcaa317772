import { sha256 } from '../shared/crypto/digest.ts'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import type { Clock } from '../shared/service/clock.ts'
import { databaseStateOf } from '../shared/storage/database-state.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { readOpenLines } from './open-lines.ts'
import type { DaemonStore } from './open-store.ts'

/** What serving lines needs to know. */
interface ServingContext {
  store: DaemonStore
  shelf: StudyShelf
  clock: Clock
}

/** The open lines as they are served, a line of JSON each. */
export function* servedLines({ store, shelf, clock }: ServingContext): Generator<string> {
  for (const line of readOpenLines(store, shelf.document, clock.now())) yield `${JSON.stringify(line)}\n`
}

/** Gives the function that tells the sha-256 of the open lines as served, at no cost while nothing was written. */
export function linesDigester(context: ServingContext): () => string {
  const databaseState = databaseStateOf(context.store.$client)
  let [last, digest] = ['', '']
  return () => {
    const now = `${databaseState()} ${context.shelf.digest}`
    if (now !== last) digest = sha256([...servedLines(context)].join(''))
    last = now
    return digest
  }
}

/** The lines for this laptop's own handovers: those that are served, and those that the handover itself closed. */
export function ownLines({ store, shelf, clock }: ServingContext, handover?: string): OpenLine[] {
  return [...readOpenLines(store, shelf.document, clock.now(), handover)]
}
