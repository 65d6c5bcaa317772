import { existsSync, rmSync } from 'node:fs'

interface Brought {
  count: number
  isKept: boolean
}

/** Payloads that are being brought, by several couriers perhaps. One of which nothing came is removed when the last has ended. */
class Bringing {
  readonly #files = new Map<string, Brought>()

  /** Call it before anything is written. */
  begin(path: string): void {
    const brought = this.#files.get(path) ?? { count: 0, isKept: existsSync(path) }
    brought.count += 1
    this.#files.set(path, brought)
  }

  /** A batch with this payload was committed. */
  keep(path: string): void {
    const brought = this.#files.get(path)
    if (brought) brought.isKept = true
  }

  has(path: string): boolean {
    return this.#files.has(path)
  }

  end(path: string): void {
    const brought = this.#files.get(path)
    if (!brought) return
    brought.count -= 1
    if (brought.count > 0) return
    this.#files.delete(path)
    if (brought.isKept) return
    rmSync(path, { force: true })
    rmSync(`${path}.part`, { force: true })
  }
}

/** What this program takes in, whoever brings it. */
export const bringing = new Bringing()
