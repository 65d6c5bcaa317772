import { sha256 } from '../shared/crypto/digest.ts'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import type { Clock } from '../shared/service/clock.ts'
import { tableStateOf } from '../shared/storage/database-state.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { readOpenLines } from './open-lines.ts'
import type { DaemonStore } from './open-store.ts'

const minuteMs = 60_000

/** What serving lines needs to know. */
interface ServingContext {
  store: DaemonStore
  shelf: StudyShelf
  clock: Clock
}

/** The open lines as they are served, a line of JSON each. */
export function* servedLines({ store, shelf, clock }: ServingContext): Generator<string> {
  for (const line of readOpenLines(store, shelf.document, nextMinute(clock))) yield `${JSON.stringify(line)}\n`
}

/** Gives the function that names the state of the open lines: another text whenever they may be served otherwise. */
export function linesStateOf({ store, shelf, clock }: ServingContext): () => string {
  const written = tableStateOf(store.$client, ['open_lines', 'closed_lines', 'clock_steps'])
  return () => `${written()} ${shelf.digest} ${nextMinute(clock).getTime()}`
}

/** The sha-256 of the open lines as served. */
export function digestOfServed(context: ServingContext): string {
  return sha256([...servedLines(context)].join(''))
}

/** The lines for this laptop's own handovers: those that are served, and those that the handover itself closed. */
export function ownLines({ store, shelf, clock }: ServingContext, handover?: string): OpenLine[] {
  return [...readOpenLines(store, shelf.document, nextMinute(clock), handover)]
}

/** Against it a drawn time lies in the future or not: lines that were read a moment ago are as good as new. */
function nextMinute(clock: Clock): Date {
  return new Date(Math.ceil(clock.now().getTime() / minuteMs) * minuteMs)
}
