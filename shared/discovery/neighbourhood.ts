import { asWaybillError } from '../service/errors.ts'
import type { Logger } from '../service/logger.ts'
import { addressKey, type LocalAddress, usableAddresses } from './interfaces.ts'
import { type Heard, type Presence, startPresence } from './presence.ts'

/** What to announce, and what to listen for. */
export interface NeighbourhoodOptions {
  study: string
  /** Opaque and unique: our own announcements are told by it. */
  instance: string
  /** Where we listen for peers; nothing is announced without it. */
  port?: number
  /** Only these addresses, loopback among them; otherwise all that are not loopback. */
  only?: string[]
  logger: Logger
  heard: (event: Heard) => void
}

const pollEveryMs = 2_000

/**
 * Announces this node and listens for others on every usable address, following addresses that come, go and change. What is
 * heard is a hint and no more (house rule 7). A network that refuses to send never ends the program.
 */
export class Neighbourhood {
  readonly #options: NeighbourhoodOptions
  readonly #presences = new Map<string, Presence>()
  readonly #timer: NodeJS.Timeout

  constructor(options: NeighbourhoodOptions) {
    this.#options = options
    this.#follow()
    this.#timer = setInterval(() => this.#follow(), pollEveryMs)
    this.#timer.unref()
  }

  /** On which addresses we are heard, and what is wrong there. */
  state(): Array<LocalAddress & { error: string | null }> {
    return [...this.#presences.values()].map(({ local, error }) => ({ ...local, error: error() }))
  }

  /** Says goodbye on every address. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#presences.values()].map((presence) => presence.close()))
    this.#presences.clear()
  }

  #follow(): void {
    const now = new Map(usableAddresses(this.#options.only).map((local) => [addressKey(local), local]))
    for (const [key, presence] of this.#presences) {
      if (now.has(key) && presence.error() === null) presence.ask()
      else this.#stop(key, presence)
    }
    for (const [key, local] of now) if (!this.#presences.has(key)) this.#start(key, local)
  }

  #start(key: string, local: LocalAddress): void {
    try {
      this.#presences.set(key, startPresence(local, this.#options))
    } catch (error) {
      this.#options.logger.warn(
        { address: local.address, err: asWaybillError(error) },
        'cannot be found on this address',
      )
    }
  }

  #stop(key: string, presence: Presence): void {
    this.#presences.delete(key)
    presence.close().catch((error) => this.#options.logger.info({ err: error }, 'no goodbye'))
  }
}
