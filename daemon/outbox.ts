import { digestKeyOf, keyedDigest } from '../shared/crypto/digest.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { mappingOf, noteMapping } from './adopt-study.ts'
import { dumpKeeper } from './dumped.ts'
import { openLineKeeper } from './open-lines.ts'
import type { DaemonStore } from './open-store.ts'
import { type GivenChange, readChange } from './read-change.ts'
import type { Piece } from './split-input.ts'

/** What became of the lines (or the objects of an array) that the app gave; `line` counts from 1. */
export interface Recorded {
  accepted: number
  known: number
  refused: Array<{ line: number; code: ErrorCode; message: string }>
}

/** What recording needs to know. */
export interface RecordContext {
  store: DaemonStore
  study: StudyDocument
  digestKey: string
  clock: Clock
}

/** A transaction takes at most so many changes, and ends after so many bytes: memory does not grow with what is given. */
const run = 500
const runBytes = 4 * 1024 * 1024
const mostRefused = 10_000

/**
 * Takes changes from the app, a line of NDJSON each. What is counted as accepted or known is on disk when this returns
 * (invariant 1); a repeat of the same change is known and not doubled; a bad line is named and spoils no other.
 * @param progress called after each committed run
 * @throws BAD_REQUEST when too many lines are bad to name them all: then nothing is confirmed, and all may be given again
 */
export async function recordChanges(
  context: RecordContext,
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  progress: (recorded: Recorded) => void = () => undefined,
): Promise<Recorded> {
  const recorded: Recorded = { accepted: 0, known: 0, refused: [] }
  const commit = prepareRecording(context, recorded)
  let given: GivenChange[] = []
  let bytes = 0
  const flush = () => {
    commit(given)
    given = []
    bytes = 0
    progress(recorded)
  }
  for await (const piece of pieces) {
    const change = readOrRefuse(piece, context.clock, recorded)
    if (change) given.push(change)
    bytes += change?.line.length ?? 0
    if (given.length >= run || bytes >= runBytes) flush()
  }
  flush()
  return recorded
}

function readOrRefuse({ number, text }: Piece, clock: Clock, recorded: Recorded): GivenChange | undefined {
  try {
    return readChange(text, clock.now())
  } catch (thrown) {
    const { code, message } = asWaybillError(thrown)
    if (recorded.refused.length >= mostRefused)
      throw new WaybillError(
        'BAD_REQUEST',
        `line ${number}: more than ${mostRefused} lines are no change; give fewer at a time`,
      )
    recorded.refused.push({ line: number, code, message })
    return undefined
  }
}

/**
 * Prepares to record changes that were read already. @returns what records a run of them, in one database transaction, and counts
 * them: outbox rows, by what they are known again, and the requisition lines that they change. They are on disk when it returns.
 */
export function prepareRecording(
  { store, study, digestKey }: RecordContext,
  recorded: Pick<Recorded, 'accepted' | 'known'>,
): (given: GivenChange[]) => void {
  const client = store.$client
  const key = digestKeyOf(digestKey)
  const insert = client.prepare('INSERT INTO outbox (line, size) VALUES (?, ?)')
  const know = client.prepare('INSERT OR IGNORE INTO known_changes (id, keyed_digest) VALUES (?, ?)')
  const keepLine = openLineKeeper(store, study)
  const dumps = dumpKeeper(store, key)
  const mapping = mappingOf(study)
  return client.transaction((given: GivenChange[]) => {
    for (const one of given) {
      const made = one.isDump ? dumps.tell(one) : one
      const isNew = made !== undefined && know.run(made.change.id, keyedDigest(key, made.digest)).changes === 1
      if (isNew) recorded.accepted += 1
      else recorded.known += 1
      if (!isNew) continue
      insert.run(made.line, Buffer.byteLength(made.line))
      if (!one.isDump) dumps.changed(made.change)
      keepLine(made.change)
    }
    noteMapping(store, mapping)
  }).immediate
}
