/** Acts on one thing come one after the other; acts on different things at once. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Does it when what came before on the same thing has ended, well or not. */
  async take<T>(thing: string, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(thing) ?? Promise.resolve()
    const turn = before.catch(() => undefined).then(act)
    this.#last.set(thing, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(thing) === turn) this.#last.delete(thing)
    }
  }
}
