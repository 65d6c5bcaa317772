import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'

/** Where a server may be, and when it is worth trying again. */
interface Attempt {
  /** Given by a person or the enrolment: a goodbye does not end it. */
  isFixed: boolean
  failures: number
  nextAt: number
  /** It said goodbye, or did not answer; hearing of it is news. */
  isGone?: boolean
}

const firstRetryMs = 2_000
const lastRetryMs = 120_000

/**
 * Remembers addresses at which a server may be, and tries each when it is due: back-off with jitter after a failure, at once
 * when it is heard again.
 */
export class PushTargets {
  readonly #attempts = new Map<string, Attempt>()
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(fixed: string[], clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
    for (const address of fixed) this.#attempts.set(address, { isFixed: true, failures: 0, nextAt: 0 })
  }

  /** A node was heard at an address; it may be a server. One that was out of reach is tried at once. */
  heard(address: string): void {
    const known = this.#attempts.get(address)
    if (known?.isGone) known.nextAt = 0
    if (!known && this.#attempts.size < 64) this.#attempts.set(address, { isFixed: false, failures: 0, nextAt: 0 })
  }

  /** A node said goodbye. */
  gone(address: string): void {
    const known = this.#attempts.get(address)
    if (known?.isFixed) known.isGone = true
    else this.#attempts.delete(address)
  }

  /** Tries every address that is due, one after another. */
  async tryAll(attempt: (host: string, port: number) => Promise<void>): Promise<void> {
    const now = this.#clock.monotonic()
    for (const [address, state] of [...this.#attempts])
      if (state.nextAt <= now) await this.#try(address, state, attempt)
  }

  async #try(address: string, state: Attempt, attempt: (host: string, port: number) => Promise<void>): Promise<void> {
    const colon = address.lastIndexOf(':')
    try {
      await attempt(address.slice(0, colon), Number(address.slice(colon + 1)))
      state.failures = 0
      state.isGone = false
      state.nextAt = this.#clock.monotonic() + firstRetryMs
    } catch (error) {
      state.failures += 1
      const wait = Math.min(lastRetryMs, firstRetryMs * 2 ** state.failures)
      state.nextAt = this.#clock.monotonic() + wait * (0.5 + Math.random() / 2)
      const { code, message } = asWaybillError(error)
      state.isGone = code === 'PEER_UNREACHABLE'
      this.#logger.info({ address, code, failures: state.failures }, message)
    }
  }
}
