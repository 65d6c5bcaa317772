import { setImmediate as nextRound, setTimeout as pause } from 'node:timers/promises'

/** Work that lets other work pass goes on by at least a step in this time, whatever there is to wait for. */
const mostPutOffMs = 1_000

/** Work of one kind that goes before other work on the same database: whoever does the other lets it pass between two steps. */
export class Precedence {
  readonly #mostPutOffMs: number
  readonly #running = new Set<Promise<unknown>>()

  constructor(most = mostPutOffMs) {
    this.#mostPutOffMs = most
  }

  /** Does it; who lets it pass waits meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const working = work()
    this.#running.add(working)
    try {
      return await working
    } finally {
      this.#running.delete(working)
    }
  }

  /** Between two steps of other work: whoever waits has a turn, and what goes before until it ends, or for as long as may be. */
  async letPass(): Promise<void> {
    await nextRound()
    if (this.#running.size === 0) return
    const enough = new AbortController()
    const putOff = pause(this.#mostPutOffMs, undefined, { signal: enough.signal }).catch(() => undefined)
    await Promise.race([Promise.allSettled(this.#running), putOff])
    enough.abort()
  }
}
