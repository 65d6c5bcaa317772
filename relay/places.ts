/** How an address was learnt. Hints expire; what a person or the enrolment gave stays. */
export type Source = 'mdns' | 'knock' | 'gateway' | 'manual' | 'server'

/** An address at which a peer may be. Who is there shows only when it answers. */
export interface Place {
  key: string
  host: string
  port: number
  sources: Set<Source>
  /** Who answered here last. */
  device: string | undefined
  /** When it is tried next, and when it was heard of last; monotonic milliseconds. */
  dueAt: number
  heardAt: number
  /** Said goodbye; never ends a running visit. */
  silent: boolean
  visiting: boolean
  failures: number
  code: string | undefined
  why: string | undefined
}

const mostHints = 512
const forgetMs = 30 * 60_000
const silentMs = 15_000

/** All addresses that this relay may try. Bounded: anyone on the network can make hints. */
export class Places {
  readonly #places = new Map<string, Place>()

  /** Takes a hint. @returns the place, and whether it is new or was silent: then it is worth an immediate try */
  hear(host: string, port: number, source: Source, now: number): { place: Place; fresh: boolean } | undefined {
    const key = `${host}:${port}`
    const known = this.#places.get(key)
    if (!known) return this.#add(key, host, port, source, now)
    const fresh = source === 'knock' || known.silent || now - known.heardAt > silentMs
    known.sources.add(source)
    known.heardAt = now
    known.silent = false
    return { place: known, fresh }
  }

  /** The instance at this address said goodbye. */
  silence(host: string, port: number): Place | undefined {
    const place = this.#places.get(`${host}:${port}`)
    if (place) place.silent = true
    return place
  }

  /** Forgets hints that led nowhere for half an hour. */
  forget(now: number): void {
    for (const place of this.#places.values())
      if (!isFixed(place) && !place.visiting && place.failures > 0 && now - place.heardAt > forgetMs)
        this.#places.delete(place.key)
  }

  /** The places to try now, the most promising first. */
  due(now: number): Place[] {
    return this.all()
      .filter((place) => !place.visiting && place.dueAt <= now)
      .toSorted(byPromise)
  }

  of(device: string): Place[] {
    return this.all().filter((place) => place.device === device)
  }

  all(): Place[] {
    return [...this.#places.values()]
  }

  #add(key: string, host: string, port: number, source: Source, now: number) {
    if (this.#places.size >= mostHints && !this.#makeRoom(source)) return undefined
    const place: Place = {
      ...{ key, host, port, sources: new Set([source]), device: undefined, dueAt: now, heardAt: now },
      ...{ silent: false, visiting: false, failures: 0, code: undefined, why: undefined },
    }
    this.#places.set(key, place)
    return { place, fresh: true }
  }

  /** A fixed address always finds room; a hint only in place of one that never answered. */
  #makeRoom(source: Source): boolean {
    if (source === 'manual' || source === 'server') return true
    const useless = this.all().find(
      (place) => !isFixed(place) && !place.device && !place.visiting && place.failures > 0,
    )
    return useless !== undefined && this.#places.delete(useless.key)
  }
}

function isFixed({ sources }: Place): boolean {
  return sources.has('manual') || sources.has('server')
}

/**
 * Those that failed least; of these, whoever answered before, in turn; then whoever was heard last: many hints that lead nowhere, of
 * which each costs a whole time limit, hold up nobody who arrives.
 */
function byPromise(a: Place, b: Place): number {
  if (a.failures !== b.failures) return a.failures - b.failures
  if ((a.device === undefined) !== (b.device === undefined)) return a.device === undefined ? 1 : -1
  return a.device === undefined ? b.dueAt - a.dueAt : a.dueAt - b.dueAt
}
