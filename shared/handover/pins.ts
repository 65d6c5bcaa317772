import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import type { Person } from '../protocol/handover.ts'
import type { Clock } from '../service/clock.ts'
import { WaybillError } from '../service/errors.ts'

const digits = /^\d{4,12}$/
const mostFailures = 5
const waitMs = 60_000
const hashBytes = 32
/** 32 MiB and a tenth of a second on an old laptop. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

interface Row {
  salt: string
  hash: string
  failures: number
}

/** The PINs that this laptop knows, as salted hashes; they never leave it. Five wrong tries cost a minute. */
export class Pins {
  readonly #client: Database
  readonly #clock: Clock
  readonly #began: number
  /** When the next try is allowed, by the clock that nobody can set. */
  readonly #until = new Map<string, number>()
  /** One hash at a time: each takes 32 MiB. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(client: Database, clock: Clock) {
    this.#client = client
    this.#clock = clock
    this.#began = clock.monotonic()
  }

  has(person: Person): boolean {
    return this.#find(person) !== undefined
  }

  /**
   * Whether it is this person's PIN; false also where this laptop knows none of theirs.
   * @throws PIN_REFUSED where it is wrong, or wrong ones were tried too often
   */
  async verify(person: Person, pin: string): Promise<boolean> {
    const turn = this.#last.then(() => this.#verify(person, pin))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Gives a person a PIN; `log` runs in the transaction that stores it. @throws PIN_REFUSED */
  async set(person: Person, pin: string, old: string | null, log: () => void): Promise<void> {
    if (!digits.test(pin)) throw refusal('a PIN has 4 to 12 digits')
    const turn = this.#last.then(async () => {
      // Looked up when it is its turn: of two first PINs given at once, the second needs the first.
      if (this.has(person) && !(old !== null && (await this.#verify(person, old))))
        throw refusal('the old PIN is needed')
      const salt = randomBytes(16)
      const hash = await hashOf(pin, salt)
      this.#client
        .transaction(() => {
          this.#client
            .prepare('INSERT OR REPLACE INTO pins (person, salt, hash, failures) VALUES (?, ?, ?, 0)')
            .run(nameOf(person), salt.toString('hex'), hash.toString('hex'))
          log()
        })
        .immediate()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #verify(person: Person, pin: string): Promise<boolean> {
    const row = this.#find(person)
    if (!row) return false
    const name = nameOf(person)
    this.#checkWait(name, row.failures)
    // Counted before it is known: a program that is killed meanwhile has not given a try away.
    const failures = (row.failures % mostFailures) + 1
    this.#note(name, failures)
    if (failures === mostFailures) this.#until.set(name, this.#clock.monotonic() + waitMs)
    const hash = digits.test(pin) ? await hashOf(pin, Buffer.from(row.salt, 'hex')) : Buffer.alloc(hashBytes)
    if (!timingSafeEqual(hash, Buffer.from(row.hash, 'hex'))) throw refusal('this is not the PIN')
    this.#note(name, 0)
    this.#until.delete(name)
    return true
  }

  /** Who starts the program again waits as long as who does not. @throws PIN_REFUSED */
  #checkWait(name: string, failures: number): void {
    if (failures < mostFailures) return
    const left = (this.#until.get(name) ?? this.#began + waitMs) - this.#clock.monotonic()
    if (left > 0) throw refusal(`wrong ${mostFailures} times: wait ${Math.ceil(left / 1000)} s`)
  }

  #note(name: string, failures: number): void {
    this.#client.prepare('UPDATE pins SET failures = ? WHERE person = ?').run(failures, name)
  }

  #find(person: Person): Row | undefined {
    return this.#client
      .prepare<[string], Row>('SELECT salt, hash, failures FROM pins WHERE person = ?')
      .get(nameOf(person))
  }
}

/** One of the study's people by id; a typed name is nobody of the study's, even if it is the same. */
function nameOf({ id, name }: Person): string {
  return id === null ? `name ${name}` : `id ${id}`
}

function hashOf(pin: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(pin, salt, hashBytes, cost, (error, hash) => (error ? reject(error) : resolve(hash))),
  )
}

function refusal(why: string): WaybillError {
  return new WaybillError('PIN_REFUSED', why)
}
