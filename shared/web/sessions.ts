import { randomBytes } from 'node:crypto'
import { sha256 } from '../crypto/digest.ts'

const most = 64

/** The bearers that open pages hold; in memory, so that a restart signs everybody out. */
export class Sessions {
  readonly #bearers = new Set<string>()

  /** A new bearer; the oldest gives way when there are too many. */
  open(): string {
    const bearer = randomBytes(32).toString('base64url')
    this.#bearers.add(sha256(bearer))
    const [oldest] = this.#bearers
    if (this.#bearers.size > most && oldest !== undefined) this.#bearers.delete(oldest)
    return bearer
  }

  /** Whether the header bears an open session. Digests are compared, so timing tells nothing of the bearer. */
  has(authorization: string | undefined): boolean {
    const bearer = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(authorization ?? '')?.[1]
    return bearer !== undefined && this.#bearers.has(sha256(bearer))
  }
}
