import type { Database } from 'better-sqlite3'
import type { Person, PersonAct } from '../protocol/handover.ts'
import type { Clock } from '../service/clock.ts'

/** What one document carries of the log, and where that stands in it. */
export interface Carried {
  positions: number[]
  acts: PersonAct[]
}

interface Row extends Omit<PersonAct, 'person'> {
  position: number
  person: string | null
}

/** One document carries no more, in number and in bytes of JSON: the rest goes with the next. */
const mostActs = 100
const mostBytes = 30_000

/** What persons did that belongs to no handover, or begins or ends one (house rule 15). It only grows. */
export class PersonLog {
  readonly #client: Database
  readonly #clock: Clock

  constructor(client: Database, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** @param about the handover that was begun or ended */
  add(kind: PersonAct['kind'], person: Person | null, about: string | null = null): void {
    this.#client
      .prepare('INSERT INTO person_acts (at, person, kind, about) VALUES (?, ?, ?, ?)')
      .run(this.#clock.now().toISOString(), person && JSON.stringify(person), kind, about)
  }

  /** Who took the shift last. */
  onShift(): Person | null {
    const row = this.#client
      .prepare<[], { person: string | null }>(
        "SELECT person FROM person_acts WHERE kind = 'shift' ORDER BY position DESC LIMIT 1",
      )
      .get()
    return JSON.parse(row?.person ?? 'null')
  }

  /** What no document carries yet, the oldest first, as much as one may carry. */
  uncarried(): Carried {
    const rows = this.#client
      .prepare<[number], Row>(
        'SELECT position, at, person, kind, about FROM person_acts WHERE carried_by IS NULL ORDER BY position LIMIT ?',
      )
      .all(mostActs)
    const carried: Carried = { positions: [], acts: [] }
    let room = mostBytes
    for (const { position, person, ...rest } of rows) {
      const act = { ...rest, person: JSON.parse(person ?? 'null') }
      room -= Buffer.byteLength(JSON.stringify(act)) + 1
      if (room < 0) break
      carried.positions.push(position)
      carried.acts.push(act)
    }
    return carried
  }

  /** A document carries them. Call it inside the transaction that stores the document. */
  markCarried(positions: number[], digest: string): void {
    const mark = this.#client.prepare('UPDATE person_acts SET carried_by = ? WHERE position = ? AND carried_by IS NULL')
    for (const position of positions) mark.run(digest, position)
  }

  /**
   * A document of this laptop's own came back, to a disk that was restored from before it was stored: what it carries is not carried
   * again. Call it inside the transaction that stores the document.
   */
  recall(acts: PersonAct[], digest: string): void {
    const mark = this.#client.prepare(
      `UPDATE person_acts SET carried_by = ? WHERE position = (SELECT min(position) FROM person_acts
         WHERE carried_by IS NULL AND at = ? AND person IS ? AND kind = ? AND about IS ?)`,
    )
    for (const { at, person, kind, about } of acts)
      mark.run(digest, at, person && JSON.stringify({ id: person.id, name: person.name }), kind, about)
  }
}
