import type { Manifest } from '../shared/protocol/manifest.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { withReading } from './about-change.ts'
import { addCount } from './counts.ts'
import type { ServerStore } from './open-store.ts'
import { type Place, unpackPlaces } from './pack-places.ts'
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

/** Keeps the changes of opened batches, each with its record; call it in the transaction that opens them. */
export function keepChanges(store: ServerStore, batches: Array<Batch & { places: Uint8Array }>): void {
  let opened = 0
  for (const batch of batches) {
    const days = new Map<string, number>()
    const places = [...unpackPlaces(batch.places)]
    const keep = keeper(
      store,
      places.map(({ idHash }) => idHash),
    )
    for (const place of places) {
      if (!keep(batch, place)) continue
      const day = `${place.day} ${place.model}`
      days.set(day, (days.get(day) ?? 0) + 1)
      opened += 1
    }
    countDays(store, batch.manifest.producer, days)
  }
  addCount(store, 'opened', opened)
}

/** An exact repeat of a change that is known is kept as another place of it (invariant 2). @returns whether the change is new */
function keeper(store: ServerStore, ids: number[]): (batch: Batch, place: Place) => boolean {
  const client = store.$client
  const columns = 'position, digest, batch, number, record, about'
  const first = prepared<[number], Known>(client, `SELECT ${columns} FROM changes WHERE id_hash = ? LIMIT 1`)
  const same = prepared<[number, Buffer], Known>(
    client,
    `SELECT ${columns} FROM changes WHERE id_hash = ? AND digest = ?`,
  )
  const insert = prepared(
    client,
    'INSERT INTO changes (id_hash, digest, batch, number, record, action, about) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const recordOf = recordFinder(store)
  const here = knownOf(store, ids)
  return (batch, place) => {
    const { idHash, digest, number, action, about } = place
    const twin = here.has(idHash) ? first.get(idHash) : undefined
    const known = twin && (twin.digest.equals(digest) ? twin : same.get(idHash, digest))
    if (known) keepRepeat(store, batch, place, known)
    if (known) return false
    if (twin) markTwin(store, twin.position)
    insert.run(idHash, digest, batch.ordinal, number, recordOf(place), action, twin ? asTwin(about) : about)
    here.add(idHash)
    return true
  }
}

/** Those of the ids that are here already, asked for at once: most are not. */
function knownOf({ $client }: ServerStore, ids: number[]): Set<number> {
  const known = prepared<[string], { id: number }>(
    $client,
    'SELECT id_hash id FROM changes WHERE id_hash IN (SELECT value FROM json_each(?))',
  )
  return new Set(known.all(JSON.stringify(ids)).map(({ id }) => id))
}

/** The ordinal of a change's record, which is made where it is new. */
function recordFinder({ $client }: ServerStore): (place: Place) => number {
  const find = prepared<[number, string, string], { ordinal: number }>(
    $client,
    `SELECT ordinal FROM records WHERE ${atPlace}`,
  )
  const insert = prepared<[number, string, string]>(
    $client,
    'INSERT INTO records (place_hash, model, pk) VALUES (?, ?, ?)',
  )
  return ({ model, pk }) => {
    const place = recordPlace(model, pk)
    return find.get(...place)?.ordinal ?? Number(insert.run(...place).lastInsertRowid)
  }
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
  const add = $client.prepare(
    `INSERT INTO changes_by_day (producer, model, day, changes) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET changes = changes + excluded.changes`,
  )
  for (const [key, changes] of days) {
    const [day = '', model = ''] = key.split(' ')
    add.run(producer, model, day, changes)
  }
}
