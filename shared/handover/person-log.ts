import type { Database } from 'better-sqlite3'
import type { Person } from '../protocol/handover.ts'
import type { Clock } from '../service/clock.ts'

/** What a person does outside of a handover's own acts. */
type PersonAct = 'shift' | 'pin' | 'begin' | 'close'

/** What persons did that belongs to no handover, or begins or ends one (house rule 15). It only grows. */
export class PersonLog {
  readonly #client: Database
  readonly #clock: Clock

  constructor(client: Database, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** @param about the handover that was begun or ended */
  add(kind: PersonAct, person: Person | null, about: string | null = null): void {
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
}
