import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import Database from 'better-sqlite3'
import type { ComparedRecord } from './compare-side.ts'

/** What two sides say of one record, where it is not the same; null where a side does not have it. */
export interface Difference {
  model: string
  pk: string
  a: ComparedRecord['state'] | null
  b: ComparedRecord['state'] | null
  naturalKey: [unknown[], unknown[]] | null
  /** By field; a side that lacks the field has none of it. */
  fields: Record<string, { a?: unknown; b?: unknown }>
}

type Side = 'a' | 'b'
interface Row {
  model: string
  pk: string
  side: Side
  /** Null where it was merged into another. */
  sealed: Buffer | null
}

/** The newest of each side of one record. */
interface Pair {
  row: Row
  a: Buffer | null
  b: Buffer | null
}

const cipher = 'aes-256-gcm'
const [ivBytes, tagBytes] = [12, 16]
const atOnce = 1000

/**
 * Two sides, sorted by model and pk on disk and not in memory. What is put aside there is sealed with a key that dies with the process: no
 * text is left in a temporary file. SQLite removes its files by itself.
 */
export class Comparison {
  readonly #database = new Database('')
  readonly #key = randomBytes(32)
  /** How many records each side has; known when all differences were told. */
  readonly counts = { a: 0, b: 0 }

  constructor() {
    // What is lost with the process needs no journal.
    this.#database.pragma('journal_mode = OFF')
    this.#database.exec(
      'CREATE TABLE records (number INTEGER PRIMARY KEY, model TEXT, pk TEXT, side TEXT, sealed BLOB)',
    )
  }

  /** Takes all records of a side; of one that comes twice, the later. What was merged into another is not there. */
  async take(side: Side, records: AsyncIterable<ComparedRecord>): Promise<void> {
    let batch: ComparedRecord[] = []
    for await (const record of records) {
      if (batch.push(record) < atOnce) continue
      this.#store(side, batch)
      batch = []
    }
    this.#store(side, batch)
  }

  /** Where the sides differ, by model and pk. */
  *differences(): Generator<Difference> {
    for (const pair of this.#pairs()) {
      if (pair.a) this.counts.a += 1
      if (pair.b) this.counts.b += 1
      const difference = this.#compare(pair)
      if (difference) yield difference
    }
  }

  close(): void {
    this.#database.close()
  }

  *#pairs(): Generator<Pair> {
    // Sorted by SQLite, in files where it is more than memory should hold.
    const rows = this.#database.prepare<[], Row>(
      'SELECT model, pk, side, sealed FROM records ORDER BY model, pk, side, number',
    )
    let pair: Pair | undefined
    for (const row of rows.iterate()) {
      if (pair && (pair.row.model !== row.model || pair.row.pk !== row.pk)) {
        yield pair
        pair = undefined
      }
      pair ??= { row, a: null, b: null }
      pair[row.side] = row.sealed
    }
    if (pair) yield pair
  }

  #store(side: Side, records: ComparedRecord[]): void {
    const put = this.#database.prepare('INSERT INTO records (model, pk, side, sealed) VALUES (?, ?, ?, ?)')
    this.#database.transaction(() => {
      for (const { model, pk, state, naturalKey, fields } of records)
        put.run(model, pk, side, state === 'merged' ? null : this.#seal(JSON.stringify({ state, naturalKey, fields })))
    })()
  }

  #compare({ row, ...sides }: Pair): Difference | undefined {
    const { model, pk } = row
    const [a, b] = [sides.a && this.#open(sides.a), sides.b && this.#open(sides.b)]
    const [aState, bState] = [a?.state ?? null, b?.state ?? null]
    if (!a || !b) return a || b ? { model, pk, a: aState, b: bState, naturalKey: null, fields: {} } : undefined
    const fields = differing(a.fields, b.fields)
    const isOneKey = isDeepStrictEqual(a.naturalKey, b.naturalKey)
    if (aState === bState && isOneKey && Object.keys(fields).length === 0) return undefined
    return { model, pk, a: aState, b: bState, naturalKey: isOneKey ? null : [a.naturalKey, b.naturalKey], fields }
  }

  #seal(text: string): Buffer {
    const iv = randomBytes(ivBytes)
    const sealing = createCipheriv(cipher, this.#key, iv)
    return Buffer.concat([iv, sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()])
  }

  #open(sealed: Buffer): Pick<ComparedRecord, 'state' | 'naturalKey' | 'fields'> {
    const opening = createDecipheriv(cipher, this.#key, sealed.subarray(0, ivBytes))
    opening.setAuthTag(sealed.subarray(-tagBytes))
    const text = Buffer.concat([opening.update(sealed.subarray(ivBytes, -tagBytes)), opening.final()])
    return JSON.parse(text.toString('utf8'))
  }
}

function differing(a: ComparedRecord['fields'], b: ComparedRecord['fields']): Difference['fields'] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries(
    [...names]
      .sort()
      .filter((name) => Object.hasOwn(a, name) !== Object.hasOwn(b, name) || !isDeepStrictEqual(a[name], b[name]))
      .map((name) => [name, { ...of(a, name, 'a'), ...of(b, name, 'b') }]),
  )
}

function of(fields: ComparedRecord['fields'], name: string, side: Side): { a?: unknown; b?: unknown } {
  return Object.hasOwn(fields, name) ? { [side]: fields[name] } : {}
}
