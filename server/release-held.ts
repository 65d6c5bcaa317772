import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import type { About } from './about-change.ts'
import { inRound } from './apply.ts'
import { settleAgain } from './decide.ts'
import type { OpenContext } from './open-batch.ts'
import type { ServerStore } from './open-store.ts'
import { type Place, unpackPlaces } from './pack-places.ts'
import { termsOf } from './read-batch.ts'

/** A change that is to be read again from its batch; `again` where a person said so. */
interface Held {
  change: number
  batch: number
  number: number
  again: number
}

const mostAtOnce = 500

/**
 * Reads changes again whose model is published now, or that a person wants tried again, each from its sealed batch, and settles them:
 * what was held is applied then by itself.
 * @param released called after each transaction
 * @returns why some could not be read again: they are tried the next time
 */
export async function releaseHeld(context: OpenContext, released: () => void): Promise<WaybillError | undefined> {
  let failed: WaybillError | undefined
  for (let [held, after] = next(context, 0); held.length > 0; [held, after] = next(context, after)) {
    for (const batch of Map.groupBy(held, (one) => one.batch).values())
      try {
        await readAgain(context, batch)
      } catch (thrown) {
        failed ??= asWaybillError(thrown)
      }
    released()
  }
  return failed
}

/** The next ones in the order of arrival, and how far they go. */
function next({ store, shelf }: OpenContext, after: number): [Held[], number] {
  const held = [...asked(store, after), ...ofModels(store, shelf, after)]
    .sort((a, b) => a.change - b.change)
    .slice(0, mostAtOnce)
  return [held, held.at(-1)?.change ?? after]
}

function asked({ $client }: ServerStore, after: number): Held[] {
  return $client
    .prepare<[number, number], Held>(
      `SELECT c.position change, c.batch, c.number, 1 again FROM rereads r
       JOIN changes c ON c.id_hash = r.id_hash AND c.digest = r.digest
       WHERE c.position > ? ORDER BY c.position LIMIT ?`,
    )
    .all(after, mostAtOnce)
}

/** A discarded one bears its keys all the same. */
function ofModels({ $client }: ServerStore, { document }: StudyShelf, after: number): Held[] {
  const find = $client.prepare<[string, string, number, number], Held>(
    `SELECT a.change, c.batch, c.number, 0 again FROM aside_changes a JOIN changes c ON c.position = a.change
     WHERE a.state = ? AND a.model = ? AND a.code = 'MODEL_UNREGISTERED' AND a.change > ? ORDER BY a.change LIMIT ?`,
  )
  return Object.entries(document.models)
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
  for (const again of [false, true]) {
    const numbers = new Map(held.filter((one) => (one.again === 1) === again).map((one) => [one.number, one.change]))
    if (numbers.size === 0) continue
    const { places } = await context.reader.read(manifest, { ...terms, again })
    inRound(context.store, (round) => {
      for (const place of unpackPlaces(places)) {
        const position = numbers.get(place.number)
        const change = position === undefined ? undefined : round.change(position)
        if (!change?.digest.equals(place.digest)) continue
        round.run('DELETE FROM rereads WHERE id_hash = ? AND digest = ?', change.idHash, change.digest)
        const about = aboutNow(place, change.about)
        round.run('UPDATE changes SET about = ? WHERE position = ?', about, change.position)
        settleAgain(round, { ...change, about })
      }
    })
  }
}

/** What was found out since it was read stays. */
function aboutNow({ about }: Place, before: string | null): string | null {
  const { twin, also } = JSON.parse(before ?? '{}') as About
  if (!twin && !also) return about
  return JSON.stringify({ ...JSON.parse(about ?? '{}'), ...(twin && { twin }), ...(also && { also }) })
}
