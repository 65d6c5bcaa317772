import type { Statement } from 'better-sqlite3'
import { prepared } from '../shared/storage/prepared.ts'
import { ChainPlaces } from './chain-places.ts'
import { addCount, type Counted } from './counts.ts'
import { type ChainPlace, comparePlaces } from './heads.ts'
import { markSettled } from './keep-changes.ts'
import type { ServerStore } from './open-store.ts'
import { atPlace, recordPlace } from './record-place.ts'
import { ofDecisions } from './record-tables.ts'

/** A change as opening stored it. */
export interface StoredChange {
  position: number
  idHash: number
  digest: Buffer
  batch: number
  number: number
  record: number
  action: 'insert' | 'update' | 'delete'
  about: string | null
}

/** A record as it stands. */
export interface StoredRecord {
  ordinal: number
  model: string
  pk: string
  canonical: number | null
  shown: number | null
  state: 'none' | 'present' | 'deleted'
  known: number
  conflict: number
  loose: number
}

/** How far in a chain applying has come; `batch` is one of the chain's. */
interface Settled {
  batch: number
  seq: number
  number: number
}

const anyOf = {
  repeats: 'SELECT 1 FROM repeats LIMIT 1',
  waits: 'SELECT 1 FROM waits LIMIT 1',
  duplicates: 'SELECT 1 FROM duplicates LIMIT 1',
  discards: `SELECT 1 FROM records WHERE ${ofDecisions} AND model = 'waybill.discard' LIMIT 1`,
}
const changeColumns = 'position, id_hash idHash, digest, batch, number, record, action, about'
const recordColumns = 'ordinal, model, pk, canonical, shown, state, known, conflict, loose'

/** One transaction of applying: what it knows, and what is still to be done before it ends. */
export class Round {
  readonly store: ServerStore
  readonly places: ChainPlaces
  /** How far applying has come. */
  through: number
  /** The change that is being settled. */
  at: number | undefined
  /** Canonical records whose heads are worked out from all their changes before the transaction ends. */
  readonly dirty = new Set<number>()
  /** Records of decisions that show something else now. */
  readonly decided: number[] = []
  readonly #taken = new Map<number, StoredChange>()
  readonly #some = new Map<keyof typeof anyOf, boolean>()
  readonly #counts = new Map<Counted, number>()
  readonly #settled = new Map<string, Settled>()

  constructor(store: ServerStore, through: number) {
    this.store = store
    this.through = through
    this.places = new ChainPlaces(store)
  }

  /** Runs a statement, prepared once. */
  run(sql: string, ...values: unknown[]): number {
    return this.#prepared(sql).run(...values).changes
  }

  get<Row>(sql: string, ...values: unknown[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined
  }

  all<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[]
  }

  change(position: number): StoredChange | undefined {
    return this.#taken.get(position) ?? this.get(`SELECT ${changeColumns} FROM changes WHERE position = ?`, position)
  }

  changesAfter(position: number, most: number): StoredChange[] {
    const changes = this.all<StoredChange>(
      `SELECT ${changeColumns} FROM changes WHERE position > ? ORDER BY position LIMIT ?`,
      position,
      most,
    )
    for (const change of changes) this.#taken.set(change.position, change)
    return changes
  }

  /** Whether there is any; of most there is none for most of the time, and then nothing has to be looked up. */
  some(rows: keyof typeof anyOf): boolean {
    const known = this.#some.get(rows)
    if (known !== undefined) return known
    const found = this.get(anyOf[rows]) !== undefined
    this.#some.set(rows, found)
    return found
  }

  /** More than one record bears this natural key now. */
  noteDuplicate(key: Buffer, model: string): void {
    this.count('duplicates', this.run('INSERT OR IGNORE INTO duplicates (key, model) VALUES (?, ?)', key, model))
    this.#some.set('duplicates', true)
  }

  /** A change waits for a parent. */
  wait(parent: Buffer, change: number): void {
    this.run('INSERT OR IGNORE INTO waits VALUES (?, ?)', parent, change)
    this.#some.set('waits', true)
  }

  /** The applied changes of one record. */
  appliedOf(record: number): StoredChange[] {
    return this.all(
      `SELECT ${changeColumns} FROM changes WHERE record = ? AND position <= ?
       AND NOT EXISTS (SELECT 1 FROM aside_changes WHERE change = position)`,
      record,
      this.through,
    )
  }

  /** Changes of a record of which an exact repeat came. */
  repeatedOf(record: number): StoredChange[] {
    return this.all(
      `SELECT ${changeColumns} FROM changes WHERE record = ? AND EXISTS (SELECT 1 FROM repeats WHERE change = position)`,
      record,
    )
  }

  /** The change of this id and content. */
  find(idHash: number, digest: Buffer): StoredChange | undefined {
    return this.get(`SELECT ${changeColumns} FROM changes WHERE id_hash = ? AND digest = ?`, idHash, digest)
  }

  record(ordinal: number): StoredRecord {
    const found = this.get<StoredRecord>(`SELECT ${recordColumns} FROM records WHERE ordinal = ?`, ordinal)
    if (!found) throw new Error(`record ${ordinal} is gone`)
    return found
  }

  recordAt(model: string, pk: string): StoredRecord | undefined {
    return this.get(`SELECT ${recordColumns} FROM records WHERE ${atPlace}`, ...recordPlace(model, pk))
  }

  /** Every place of a change in a chain, its repeats among them. */
  placesOf(change: Pick<StoredChange, 'position' | 'batch' | 'number'>): ChainPlace[] {
    if (!this.some('repeats')) return [this.places.place(change)]
    const repeats = this.all<{ batch: number; number: number }>(
      'SELECT batch, number FROM repeats WHERE change = ?',
      change.position,
    )
    return [change, ...repeats].map((place) => this.places.place(place))
  }

  count(name: Counted, by: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  /** Whether nothing that was settled, and no repeat, stands behind this place of its chain. */
  isNewest(batch: number, place: ChainPlace): boolean {
    return comparePlaces(this.#settledIn(batch), place) < 0 && !this.places.isContinued(place.chain)
  }

  /** Applying has come past this place. */
  passed({ batch, number }: StoredChange): void {
    const { name, seq } = this.places.batch(batch)
    if (comparePlaces(this.#settledIn(batch), { seq, number }) < 0) this.#settled.set(name, { batch, seq, number })
  }

  /** Stores what was counted on the way. */
  end(): void {
    for (const [name, by] of this.#counts) addCount(this.store, name, by)
    for (const { batch, seq, number } of this.#settled.values())
      markSettled(this.store.$client, { ...this.places.batch(batch), seq }, number)
  }

  #settledIn(batch: number): Settled {
    const { name, producer, chain } = this.places.batch(batch)
    const known = this.#settled.get(name)
    if (known) return known
    const stored = this.get<Omit<Settled, 'batch'>>(
      'SELECT settled_seq seq, settled_number number FROM chains WHERE producer = ? AND chain = ?',
      producer,
      chain,
    )
    const settled = { batch, ...(stored ?? { seq: 0, number: 0 }) }
    this.#settled.set(name, settled)
    return settled
  }

  #prepared(sql: string): Statement<unknown[]> {
    return prepared(this.store.$client, sql)
  }
}
