import type { Manifest } from '../shared/protocol/manifest.ts'
import { insertRows } from '../shared/storage/insert-rows.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { withReading } from './about-change.ts'
import { addCount } from './counts.ts'
import type { ServerStore } from './open-store.ts'
import { idHashesIn, type Place, unpackPlaces } from './pack-places.ts'
import { atPlace, recordPlace } from './record-place.ts'

/** A batch whose changes are kept. */
interface Batch {
  ordinal: number
  manifest: Pick<Manifest, 'producer' | 'chain' | 'seq'>
}

/** A change that is here already. */
interface Known {
  position: number
  digest: Buffer
  batch: number
  number: number
  record: number
  about: string | null
}

/** So many changes are kept at once. */
const mostWaiting = 60
const columns = ['id_hash', 'digest', 'batch', 'number', 'record', 'action', 'about']

/** Keeps the changes of opened batches, each with its record; call it in the transaction that opens them. */
export function keepChanges(store: ServerStore, batches: Array<Batch & { places: Uint8Array }>): void {
  let opened = 0
  for (const batch of batches) {
    const days = new Map<string, number>()
    const keeper = new Keeper(store, batch, idHashesIn(batch.places))
    // One after the other: what is held until the batch ends, V8 keeps for much longer.
    for (const place of unpackPlaces(batch.places)) {
      if (!keeper.keep(place)) continue
      const day = `${place.day} ${place.model}`
      days.set(day, (days.get(day) ?? 0) + 1)
      opened += 1
    }
    keeper.insert()
    countDays(store, batch.manifest.producer, days)
  }
  addCount(store, 'opened', opened)
}

/** Keeps the changes of a batch, several at once. */
class Keeper {
  readonly #store: ServerStore
  readonly #batch: Batch
  /** Ids that are here already. */
  readonly #here: Set<number>
  /** New changes by their id, to be inserted. */
  readonly #waiting = new Map<number, Place>()

  constructor(store: ServerStore, batch: Batch, ids: number[]) {
    this.#store = store
    this.#batch = batch
    this.#here = knownOf(store, ids)
  }

  /** An exact repeat of a change that is known is kept as another place of it (invariant 2). @returns whether the change is new */
  keep(place: Place): boolean {
    // What has the same id is found once that is inserted.
    if (this.#waiting.has(place.idHash) || this.#waiting.size === mostWaiting) this.insert()
    const { twin, same } = this.#here.has(place.idHash) ? knownAs(this.#store, place) : {}
    if (same) keepRepeat(this.#store, this.#batch, place, same)
    if (same) return false
    if (twin) markTwin(this.#store, twin.position)
    this.#waiting.set(place.idHash, twin ? { ...place, about: asTwin(place.about) } : place)
    return true
  }

  /** Inserts what waits. */
  insert(): void {
    const places = [...this.#waiting.values()]
    const records = recordsOf(this.#store, places)
    const values: unknown[] = []
    for (const [index, { idHash, digest, number, action, about }] of places.entries())
      values.push(idHash, digest, this.#batch.ordinal, number, records[index], action, about)
    insertRows(this.#store.$client, 'changes', columns, values)
    for (const id of this.#waiting.keys()) this.#here.add(id)
    this.#waiting.clear()
  }
}

/** Those of the ids that are here already, asked for at once: most are not. */
function knownOf({ $client }: ServerStore, ids: number[]): Set<number> {
  const known = prepared<[string], number>(
    $client,
    'SELECT id_hash FROM changes WHERE id_hash IN (SELECT value FROM json_each(?))',
  )
  return new Set(known.pluck().all(JSON.stringify(ids)))
}

/** A change of the same id that is here, and the one that has the same content too. There may be thousands of contents. */
function knownAs({ $client }: ServerStore, { idHash, digest }: Place): { twin?: Known; same?: Known | undefined } {
  const find = 'SELECT position, digest, batch, number, record, about FROM changes WHERE id_hash = ?'
  const twin = prepared<[number], Known>($client, `${find} LIMIT 1`).get(idHash)
  if (!twin) return {}
  const same = prepared<[number, Buffer], Known>($client, `${find} AND digest = ?`)
  return { twin, same: twin.digest.equals(digest) ? twin : same.get(idHash, digest) }
}

/** The ordinals of the changes' records, which are made where they are new. */
function recordsOf({ $client }: ServerStore, places: Place[]): number[] {
  const find = prepared<[number, string, string], number>(
    $client,
    `SELECT ordinal FROM records WHERE ${atPlace}`,
  ).pluck()
  const made = new Map<string, number>()
  const values: unknown[] = []
  const found = places.map(({ model, pk }) => {
    const place = recordPlace(model, pk)
    const ordinal = find.get(...place)
    if (ordinal !== undefined) return ordinal
    const name = `${model} ${pk}`
    const index = made.get(name) ?? made.size
    if (index === made.size) values.push(...place)
    made.set(name, index)
    // Numbered below 0 until they are made.
    return -1 - index
  })
  const first = insertRows($client, 'records', ['place_hash', 'model', 'pk'], values)
  return found.map((ordinal) => (ordinal > 0 ? ordinal : first - 1 - ordinal))
}

/** It may stand earlier, or in another chain, or be read otherwise: its record is looked at again. */
function keepRepeat({ $client }: ServerStore, batch: Batch, { number, about }: Place, known: Known): void {
  if (known.batch === batch.ordinal && known.number === number) return
  $client.prepare('INSERT OR IGNORE INTO repeats VALUES (?, ?, ?)').run(known.position, batch.ordinal, number)
  $client.prepare('INSERT OR IGNORE INTO rechecks VALUES (?)').run(known.record)
  markSettled($client, batch.manifest, number)
  const read = withReading(JSON.parse(known.about ?? '{}'), JSON.parse(about ?? '{}'))
  if (read) $client.prepare('UPDATE changes SET about = ? WHERE position = ?').run(JSON.stringify(read), known.position)
}

/** In a chain, nothing stands behind this place that applying has come past, or a repeat. */
export function markSettled(
  client: ServerStore['$client'],
  { producer, chain, seq }: Batch['manifest'],
  number: number,
): void {
  client
    .prepare(
      `UPDATE chains SET settled_seq = ?, settled_number = ?
       WHERE producer = ? AND chain = ? AND (settled_seq, settled_number) < (?, ?)`,
    )
    .run(seq, number, producer, chain, seq, number)
}

/** Two contents of one id: what is made upon it is made upon both. */
function markTwin({ $client }: ServerStore, position: number): void {
  $client
    .prepare("UPDATE changes SET about = json_set(coalesce(about, '{}'), '$.twin', json('true')) WHERE position = ?")
    .run(position)
}

function asTwin(about: string | null): string {
  return JSON.stringify({ ...JSON.parse(about ?? '{}'), twin: true })
}

function countDays({ $client }: ServerStore, producer: string, days: Map<string, number>): void {
  const add = prepared(
    $client,
    `INSERT INTO changes_by_day (producer, model, day, changes) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET changes = changes + excluded.changes`,
  )
  for (const [key, changes] of days) {
    const [day = '', model = ''] = key.split(' ')
    add.run(producer, model, day, changes)
  }
}
