import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { ServerStore } from './open-store.ts'
import { tokenOf } from './tokens.ts'
import { Tries } from './tries.ts'

/** A token cannot be guessed; who tries all the same is not answered at length. */
const wrongTokens = { most: 20, withinMs: 60_000 }
/** Reads of one token at once: a greedy app waits for itself and not others for it. */
const mostReads = 4

/** Which apps the HTTPS door lets in, and to how much at once. */
export class AppAdmission {
  readonly #store: ServerStore
  readonly #tries: Tries
  readonly #reads = new Map<string, number>()

  constructor(store: ServerStore, clock: Clock) {
    this.#store = store
    this.#tries = new Tries(clock, wrongTokens)
  }

  /**
   * The name of the token in force that the header bears. Whoever has one is let in, whatever others tried from the same address.
   * @throws TOKEN_REFUSED, TRY_LATER
   */
  admit(authorization: string | undefined, address: string): string {
    const name = tokenOf(this.#store, authorization)
    if (name !== undefined) return name
    this.#tries.begin(address)
    throw new WaybillError('TOKEN_REFUSED', 'no token in force')
  }

  /** @returns what tells that the read ended. @throws TRY_LATER when the token reads as much as it may */
  beginRead(name: string): () => void {
    const running = this.#reads.get(name) ?? 0
    if (running >= mostReads)
      throw new WaybillError('TRY_LATER', `${mostReads} reads of this token run: wait for one to end`)
    this.#reads.set(name, running + 1)
    return () => {
      const left = (this.#reads.get(name) ?? 1) - 1
      if (left > 0) this.#reads.set(name, left)
      else this.#reads.delete(name)
    }
  }
}
