import PQueue from 'p-queue'
import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import { type Admit, onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import { PeerClient } from '../shared/transfer/peer-client.ts'
import { noteMet, noteState } from './note-peer.ts'
import type { Hold } from './open-store.ts'
import { type Place, Places, type Source } from './places.ts'
import type { Progress } from './pull.ts'
import type { PeerState } from './schema.ts'
import { type Memory, newMemory, type Visited, visit } from './visit.ts'

const visitsAtOnce = 32
/** However many laptops are here, the lines of all of them come before the payloads of any but these. */
const pullsAtOnce = 8
/** Receipts do not wait for payloads that are on the way. A connection costs a handshake: the second is made when it is needed. */
const connectionsAPeer = 2
const meetEveryMs = 15_000
const lookSoonMs = 2_000
const firstRetryMs = 1_000
const longestRetryMs = 60_000

/** A peer that was met since this program began. */
interface Near {
  role: CertifiedPeer['role']
  memory: Memory
  /** Where a visit is on, if one is. */
  visiting: Place | undefined
  /** Where it answered last. */
  place: Place
  progress: Progress | undefined
  state: PeerState
}

/**
 * Who is near and how far: one state machine a peer, several visits at once, and one failing peer holds up none. Hints make
 * places; only a place that answers with a credential becomes a peer. A lost announcement never ends a visit.
 */
export class Peers {
  readonly #hold: Hold
  readonly #changed: () => void
  readonly #places = new Places()
  readonly #near = new Map<string, Near>()
  readonly #queue = new PQueue({ concurrency: visitsAtOnce })
  readonly #pulls = new PQueue({ concurrency: pullsAtOnce })
  readonly #clients = new Set<PeerClient>()
  #closed = false

  constructor(hold: Hold, changed: () => void) {
    this.#hold = hold
    this.#changed = changed
  }

  /** Takes a hint that a peer may be at this address; one that is new or was silent is tried at once. */
  hear(host: string, port: number, source: Source): void {
    const heard = this.#places.hear(host, port, source, this.#now())
    if (!heard?.fresh) return
    const { device } = heard.place
    const near = device === undefined ? undefined : this.#near.get(device)
    // A peer that another address serves well needs no second one.
    if (!near || near.place === heard.place || near.place.failures > 0 || source === 'knock')
      heard.place.dueAt = this.#now()
    this.#changed()
  }

  /** An announcement ended. The next try says whether the peer is really gone; a visit that is on goes on. */
  goodbye(host: string, port: number): void {
    const place = this.#places.silence(host, port)
    if (place && !place.visiting && place.dueAt > this.#now() + lookSoonMs) place.dueAt = this.#now() + lookSoonMs
  }

  /** Begins the visits that are due, as many as may run at once; the rest follow as these end, the most promising first. */
  wake(): void {
    if (this.#closed) return
    const now = this.#now()
    this.#places.forget(now)
    const free = visitsAtOnce - this.#queue.pending - this.#queue.size
    for (const place of this.#places.due(now).slice(0, Math.max(0, free))) {
      place.visiting = true
      void this.#queue.add(() => this.#visit(place)).then(() => this.wake())
    }
  }

  /** Every place that was heard of, and who answered there. */
  places(): readonly Readonly<Place>[] {
    return this.#places.all()
  }

  /** How far a running pull or forward is; undefined when none runs. */
  progress(device: string): Progress | undefined {
    return this.#near.get(device)?.progress
  }

  /** Ends all visits; what was signed for stays signed for. */
  async close(): Promise<void> {
    this.#closed = true
    this.#queue.clear()
    await Promise.all([...this.#clients].map((client) => client.close()))
    await this.#queue.onIdle()
  }

  async #visit(place: Place): Promise<void> {
    const { identity } = this.#hold
    const { host, port } = place
    const client = new PeerClient({ identity, host, port, admit: this.#admit, connections: connectionsAPeer })
    this.#clients.add(client)
    try {
      const report = {
        met: (peer: CertifiedPeer, told: Meeting) => this.#met(place, peer, told),
        state: (state: PeerState, progress?: Progress) => this.#state(place, state, progress),
        inTurn: <T>(work: () => Promise<T>) => this.#pulls.add(work),
      }
      const visited = await visit(this.#hold, client, report)
      this.#succeeded(place, visited)
    } catch (error) {
      if (!this.#closed) this.#failed(place, asWaybillError(error))
    } finally {
      this.#clients.delete(client)
      await client.close()
      this.#leave(place)
      this.#changed()
    }
  }

  readonly #admit: Admit = (peer) => {
    onlyRoles('field', 'server')(peer)
    checkStanding(this.#hold.shelf.document, peer)
  }

  #met(place: Place, peer: CertifiedPeer, { head }: Meeting): Memory | undefined {
    place.device = peer.device
    const near = this.#near.get(peer.device) ?? {
      ...{ role: peer.role, memory: newMemory(), visiting: undefined, place, progress: undefined },
      state: 'reachable' as PeerState,
    }
    this.#near.set(peer.device, near)
    if (near.visiting) return undefined
    near.visiting = place
    near.place = place
    noteMet(this.#hold, peer, place, head)
    if (near.state !== 'upToDate') this.#state(place, 'trusted')
    return near.memory
  }

  #state(place: Place, state: PeerState, progress?: Progress, error?: WaybillError): void {
    const near = place.device === undefined ? undefined : this.#near.get(place.device)
    if (!near || !place.device) return
    near.state = state
    near.progress = progress
    if (noteState(this.#hold, place.device, state, place.failures, error) || progress) this.#changed()
  }

  #succeeded(place: Place, visited: Visited | undefined): void {
    place.failures = 0
    place.code = undefined
    place.why = undefined
    if (!visited) {
      // Another address of the same peer is at work; this one is for when that fails.
      place.dueAt = Number.POSITIVE_INFINITY
      return
    }
    const [problem] = visited.problems
    if (problem) this.#hold.logger.warn({ peer: place.device, code: problem.code }, problem.message)
    this.#state(place, problem ? 'failing' : visited.settled ? 'upToDate' : 'trusted', undefined, problem)
    place.dueAt = this.#now() + (visited.settled || problem ? meetEveryMs : lookSoonMs)
    for (const other of this.#places.of(place.device ?? '')) if (other !== place) other.dueAt = Number.POSITIVE_INFINITY
    if (visited.signed > 0) this.#hurry('server')
    if (visited.news > 0) this.#hurry('field')
  }

  /** There is something for all near peers of this role. */
  #hurry(role: CertifiedPeer['role']): void {
    for (const near of this.#near.values())
      if (near.role === role && near.place.failures === 0 && !near.visiting) near.place.dueAt = this.#now()
  }

  #failed(place: Place, error: WaybillError): void {
    const { device, failures } = place
    place.failures += 1
    place.code = error.code
    place.why = error.message
    place.dueAt = this.#now() + retryAfter(failures)
    this.#hold.logger.info(
      { peer: device, place: place.key, code: error.code, failures: place.failures },
      error.message,
    )
    const near = device === undefined ? undefined : this.#near.get(device)
    if (!near || near.place !== place) return
    const isGone = error.code === 'PEER_UNREACHABLE' && (place.silent || place.failures > 2)
    this.#state(place, isGone ? 'gone' : 'failing', undefined, error)
    for (const other of this.#places.of(device ?? ''))
      if (other !== place && other.dueAt === Number.POSITIVE_INFINITY) other.dueAt = this.#now()
  }

  #leave(place: Place): void {
    place.visiting = false
    const near = place.device === undefined ? undefined : this.#near.get(place.device)
    if (near?.visiting !== place) return
    near.visiting = undefined
    near.progress = undefined
  }

  #now(): number {
    return this.#hold.clock.monotonic()
  }
}

/** Doubles from a second to a minute; jitter keeps peers that failed together from coming together. */
function retryAfter(failures: number): number {
  return Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
}
