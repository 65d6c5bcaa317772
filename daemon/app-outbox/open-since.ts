import type { Clock } from '../../shared/service/clock.ts'
import type { Logger } from '../../shared/service/logger.ts'
import type { OpenTransaction } from './app-table.ts'

/** From then on it is told. */
const longSeconds = 60

/** Transactions of the app that stay open, and since when. */
export class OpenSince {
  readonly #clock: Clock
  readonly #logger: Logger
  #seen = new Map<string, { since: string; from: number; isTold: boolean }>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** These are open now; the others have ended. */
  see(open: readonly OpenTransaction[]): void {
    const now = this.#clock.monotonic()
    const seen = open.map(({ which, seconds }) => {
      const from = now - (seconds ?? 0) * 1000
      const since = new Date(this.#clock.now().getTime() - (seconds ?? 0) * 1000).toISOString()
      return [which, this.#seen.get(which) ?? { since, from, isTold: false }] as const
    })
    this.#seen = new Map(seen)
  }

  /** Those that have been open for long. */
  long(): Array<{ which: string; since: string }> {
    const now = this.#clock.monotonic()
    return [...this.#seen].flatMap(([which, one]) => {
      if (now - one.from < longSeconds * 1000) return []
      if (!one.isTold) this.#logger.warn({ which, since: one.since }, 'a transaction of the app was left open')
      one.isTold = true
      return { which, since: one.since }
    })
  }
}
