import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import { type About, withNewest } from './about-change.ts'
import { inRound } from './apply.ts'
import { settleAgain } from './decide.ts'
import type { OpenContext } from './open-batch.ts'
import type { ServerStore } from './open-store.ts'
import { unpackPlaces } from './pack-places.ts'
import { termsOf } from './read-batch.ts'

/** A change that is to be read again from its batch. */
export interface Held {
  change: number
  batch: number
  number: number
}

const mostAtOnce = 500

/**
 * Reads changes again whose model is published now, or that a person wants tried again, each from its sealed batch and by the newest
 * study configuration first, and settles them: what was held is applied then by itself.
 * @param released called after each transaction
 * @returns why some could not be read again: they are tried the next time
 */
export async function releaseHeld(context: OpenContext, released: () => void): Promise<WaybillError | undefined> {
  let failed: WaybillError | undefined
  const { store, shelf } = context
  for (let held = nextHeld(store, shelf.document, 0); held.length > 0; ) {
    for (const batch of Map.groupBy(held, (one) => one.batch).values())
      try {
        await readAgain(context, batch)
      } catch (thrown) {
        failed ??= asWaybillError(thrown)
      }
    released()
    held = nextHeld(store, shelf.document, held.at(-1)?.change ?? 0)
  }
  return failed
}

/** What is to be read again, in the order of arrival, after a place in it. */
export function nextHeld(store: ServerStore, { models }: Pick<StudyDocument, 'models'>, after: number): Held[] {
  return [...asked(store, after), ...ofModels(store, models, after)]
    .sort((a, b) => a.change - b.change)
    .slice(0, mostAtOnce)
}

/** What was asked for is little, and what is looked through for it: left to itself, SQLite would walk all changes instead (invariant 10). */
function asked({ $client }: ServerStore, after: number): Held[] {
  return $client
    .prepare<[number, number], Held>(
      `SELECT c.position change, c.batch, c.number FROM rereads r
       CROSS JOIN changes c ON c.id_hash = r.id_hash AND c.digest = r.digest
       WHERE c.position > ? ORDER BY c.position LIMIT ?`,
    )
    .all(after, mostAtOnce)
}

/** A discarded one bears its keys all the same. */
function ofModels({ $client }: ServerStore, models: StudyDocument['models'], after: number): Held[] {
  const find = $client.prepare<[string, string, number, number], Held>(
    `SELECT a.change, c.batch, c.number FROM aside_changes a JOIN changes c ON c.position = a.change
     WHERE a.state = ? AND a.model = ? AND a.code = 'MODEL_UNREGISTERED' AND a.change > ? ORDER BY a.change LIMIT ?`,
  )
  return Object.entries(models)
    .filter(([, { offline }]) => offline !== false)
    .flatMap(([model]) => ['held', 'discarded'].flatMap((state) => find.all(state, model, after, mostAtOnce)))
}

async function readAgain(context: OpenContext, held: Held[]): Promise<void> {
  const [first] = held
  const jws = context.store.$client
    .prepare<[number | undefined], { jws: string }>('SELECT manifest jws FROM batches WHERE ordinal = ?')
    .get(first?.batch)?.jws
  if (jws === undefined) return
  const { manifest, terms } = await termsOf(context, jws)
  const { places } = await context.reader.read(manifest, { ...terms, again: true })
  takeReading(context.store, held, places)
}

/** What a batch's changes are by the newest study configuration is known of those that were held; they are settled by it. */
export function takeReading(store: ServerStore, held: Held[], places: Uint8Array): void {
  const positions = new Map(held.map(({ number, change }) => [number, change]))
  inRound(store, (round) => {
    for (const place of unpackPlaces(places)) {
      const position = positions.get(place.number)
      const change = position === undefined ? undefined : round.change(position)
      if (!change?.digest.equals(place.digest)) continue
      round.run('DELETE FROM rereads WHERE id_hash = ? AND digest = ?', change.idHash, change.digest)
      const stored = JSON.stringify(aboutNow(change.about, place.about))
      round.run('UPDATE changes SET about = ? WHERE position = ?', stored, change.position)
      settleAgain(round, { ...change, about: stored })
    }
  })
}

/** Of a damaged row only what was read now is known. */
function aboutNow(before: string | null, newest: string | null): About {
  const read: About = JSON.parse(newest ?? '{}')
  try {
    return withNewest(JSON.parse(before ?? '{}'), read)
  } catch {
    return read
  }
}
