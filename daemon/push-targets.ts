import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'

/** Where a server may be, and when it is worth trying again. */
interface Attempt {
  /** Given by a person or the enrolment: a goodbye does not end it. */
  isFixed: boolean
  failures: number
  nextAt: number
  /** When it was heard of last; hearing of it after a goodbye, or after a silence, is news. */
  heardAt: number
}

const firstRetryMs = 2_000
const lastRetryMs = 120_000
const silentMs = 15_000
const mostTargets = 64

/**
 * Remembers addresses at which a server may be, and tries each when it is due: back-off with jitter after a failure, at once
 * when it is heard again. Bounded: anyone on the network can be heard.
 */
export class PushTargets {
  readonly #attempts = new Map<string, Attempt>()
  readonly #clock: Clock
  readonly #logger: Logger

  constructor(fixed: string[], clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
    for (const address of fixed) this.#add(address, true)
  }

  /** A node was heard at an address; it may be a server. One that was silent is tried at once. */
  heard(address: string): void {
    const now = this.#clock.monotonic()
    const known = this.#attempts.get(address)
    if (known && now - known.heardAt > silentMs) known.nextAt = 0
    if (known) known.heardAt = now
    else if (this.#attempts.size < mostTargets || this.#makeRoom()) this.#add(address, false)
  }

  /** A node said goodbye. */
  gone(address: string): void {
    const known = this.#attempts.get(address)
    if (known?.isFixed) known.heardAt = Number.NEGATIVE_INFINITY
    else this.#attempts.delete(address)
  }

  /** Tries every address that is due, one after another: fixed ones first, then what failed least; with what is heard meanwhile. */
  async tryAll(attempt: (host: string, port: number) => Promise<void>): Promise<void> {
    const now = this.#clock.monotonic()
    for (let due = this.#mostPromising(now); due; due = this.#mostPromising(now)) await this.#try(...due, attempt)
  }

  #add(address: string, isFixed: boolean): void {
    this.#attempts.set(address, { isFixed, failures: 0, nextAt: 0, heardAt: this.#clock.monotonic() })
  }

  /** A hint finds room only in place of the one that failed most. */
  #makeRoom(): boolean {
    const failed = [...this.#attempts].filter(([, { isFixed, failures }]) => !isFixed && failures > 0)
    const [worst] = failed.toSorted(([, a], [, b]) => b.failures - a.failures)
    return worst !== undefined && this.#attempts.delete(worst[0])
  }

  #mostPromising(now: number): [address: string, attempt: Attempt] | undefined {
    const due = [...this.#attempts].filter(([, { nextAt }]) => nextAt <= now)
    return due.toSorted(([, a], [, b]) => Number(b.isFixed) - Number(a.isFixed) || a.failures - b.failures)[0]
  }

  async #try(address: string, state: Attempt, attempt: (host: string, port: number) => Promise<void>): Promise<void> {
    const colon = address.lastIndexOf(':')
    try {
      await attempt(address.slice(0, colon), Number(address.slice(colon + 1)))
      state.failures = 0
      state.nextAt = this.#clock.monotonic() + firstRetryMs
    } catch (error) {
      state.failures += 1
      const wait = Math.min(lastRetryMs, firstRetryMs * 2 ** state.failures)
      state.nextAt = this.#clock.monotonic() + wait * (0.5 + Math.random() / 2)
      const { code, message } = asWaybillError(error)
      this.#logger.info({ address, code, failures: state.failures }, message)
    }
  }
}
