import { asWaybillError } from '../service/errors.ts'
import type { Logger } from '../service/logger.ts'
import { addressKey, type LocalAddress, usableAddresses } from './interfaces.ts'
import { type Presence, type PresenceOptions, startPresence } from './presence.ts'
import type { Heard } from './read-packet.ts'

/** What to announce, and what to listen for. */
export interface NeighbourhoodOptions extends PresenceOptions {
  /** Only these addresses, loopback among them; otherwise all that are not loopback. */
  only?: string[]
  logger: Logger
}

/** How it goes on one address: up once a packet went out and none failed since. */
export interface AddressState extends LocalAddress {
  up: boolean
  error: string | null
}

const pollEveryMs = 2_000
const mostOthers = 512
/** Nodes of other studies count as near for this many polls: a minute. */
const nearPolls = 30

/**
 * Announces this node and listens for others on every usable address, following addresses that come, go and change. What is
 * heard is a hint and no more (house rule 7). A network that refuses to send never ends the program.
 */
export class Neighbourhood {
  readonly #options: NeighbourhoodOptions
  readonly #presences = new Map<string, Presence>()
  readonly #states = new Map<string, AddressState>()
  readonly #others = new Map<string, number>()
  readonly #closing = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #polls = 0

  constructor(options: NeighbourhoodOptions) {
    this.#options = options
    this.#follow()
    this.#timer = setInterval(() => this.#follow(), pollEveryMs)
    this.#timer.unref()
  }

  /** On which addresses we are heard, and what is wrong there; empty without a network. */
  state(): AddressState[] {
    return [...this.#states.values()].map((state) => ({ ...state }))
  }

  /** How many nodes of other studies were heard in the last minute; counted up to 512. */
  others(): number {
    return this.#others.size
  }

  /** Says goodbye on every address. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const key of this.#presences.keys()) this.#stop(key)
    this.#states.clear()
    await Promise.all(this.#closing)
  }

  #follow(): void {
    this.#polls += 1
    for (const [instance, poll] of this.#others) if (this.#polls - poll > nearPolls) this.#others.delete(instance)
    const now = new Map(usableAddresses(this.#options.only).map((local) => [addressKey(local), local]))
    for (const key of this.#states.keys()) if (!now.has(key)) this.#states.delete(key)
    for (const [key, presence] of this.#presences) if (!now.has(key) || presence.isBroken()) this.#stop(key)
    for (const [key, local] of now) if (!this.#presences.has(key)) this.#start(key, local)
    for (const presence of this.#presences.values()) presence.ask()
  }

  #start(key: string, local: LocalAddress): void {
    if (!this.#states.has(key)) this.#states.set(key, { ...local, up: false, error: null })
    const report = (error: string | null) => this.#note(key, error)
    const options = { ...this.#options, heard: (event: Heard) => this.#hear(event) }
    try {
      this.#presences.set(key, startPresence(local, options, report))
    } catch (error) {
      report(asWaybillError(error).message)
    }
  }

  #stop(key: string): void {
    const closing = this.#presences
      .get(key)
      ?.close()
      .catch((error) => this.#options.logger.info({ err: error }, 'no goodbye'))
    this.#presences.delete(key)
    if (!closing) return
    this.#closing.add(closing)
    closing.finally(() => this.#closing.delete(closing))
  }

  #hear(event: Heard): void {
    const { kind, instance, ours } = event
    if (!ours && kind === 'goodbye') this.#others.delete(instance)
    if (!ours && kind === 'seen' && (this.#others.has(instance) || this.#others.size < mostOthers))
      this.#others.set(instance, this.#polls)
    this.#options.heard(event)
  }

  /** Logs what changes, not what goes on. */
  #note(key: string, error: string | null): void {
    const state = this.#states.get(key)
    if (!state) return
    const { name, address } = state
    if (error !== null && error !== state.error)
      this.#options.logger.warn({ interface: name, address, reason: error }, 'laptops may not find each other here')
    if (error === null && !state.up) this.#options.logger.info({ interface: name, address }, 'announcing and listening')
    state.up = error === null
    state.error = error
  }
}
