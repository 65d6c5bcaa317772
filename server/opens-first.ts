import { setImmediate as nextRound, setTimeout as pause } from 'node:timers/promises'

/** Applying goes on by at least a transaction in this time, whatever there is to open. */
const mostPutOffMs = 1_000

/** Opening and applying write one database. Opening goes first: a laptop's receipt waits for it, and nobody's for applying. */
export class OpensFirst {
  readonly #mostPutOffMs: number
  #opening: Promise<unknown> = Promise.resolve()

  constructor(most = mostPutOffMs) {
    this.#mostPutOffMs = most
  }

  /** Opens; what applies stands back meanwhile. */
  open<T>(work: () => Promise<T>): Promise<T> {
    const opening = work()
    this.#opening = opening.catch(() => undefined)
    return opening
  }

  /** Between two transactions of applying: whoever waits has a turn, and opening until it ends, or for as long as applying may be put off. */
  async turn(): Promise<void> {
    await nextRound()
    const enough = new AbortController()
    const putOff = pause(this.#mostPutOffMs, undefined, { signal: enough.signal }).catch(() => undefined)
    await Promise.race([this.#opening, putOff])
    enough.abort()
  }
}
