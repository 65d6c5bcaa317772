import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'

/** How many tries within how long, and of how many it is remembered. */
interface Limit {
  most: number
  withinMs: number
}

const mostKeys = 2000

/** Wrong tries, by whose they are; by the clock that nobody can set. Forgotten when the program ends, which no stranger can bring about. */
export class Tries {
  readonly #clock: Clock
  readonly #limit: Limit
  readonly #times = new Map<string, number[]>()

  constructor(clock: Clock, limit: Limit) {
    this.#clock = clock
    this.#limit = limit
  }

  /**
   * Counts a try before it is known whether it is right.
   * @returns what takes it back, for one that was
   * @throws TRY_LATER where there were too many: it says for how long
   */
  begin(key: string): () => void {
    const now = this.#clock.monotonic()
    const { most, withinMs } = this.#limit
    const recent = (this.#times.get(key) ?? []).filter((time) => now - time < withinMs)
    const [oldest] = recent
    if (recent.length >= most && oldest !== undefined) {
      const seconds = Math.ceil((oldest + withinMs - now) / 1000)
      throw new WaybillError('TRY_LATER', `wrong ${most} times: wait ${seconds} s`)
    }
    this.#keep(key, [...recent, now])
    return () => {
      const left = this.#times.get(key) ?? []
      const index = left.indexOf(now)
      this.#keep(key, index < 0 ? left : left.toSpliced(index, 1))
    }
  }

  /** All tries of this one are forgiven. */
  forget(key: string): void {
    this.#times.delete(key)
  }

  /** Whoever tried last stands last; the first gives way. */
  #keep(key: string, times: number[]): void {
    this.#times.delete(key)
    if (times.length > 0) this.#times.set(key, times)
    const [first] = this.#times.keys()
    if (this.#times.size > mostKeys && first !== undefined) this.#times.delete(first)
  }
}
