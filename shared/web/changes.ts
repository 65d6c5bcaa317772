/** Tells the pages that something they show has changed. */
export class Changes {
  readonly #listeners = new Set<() => void>()

  /** Something changed. */
  tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls the listener after each change; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
