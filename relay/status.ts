import { sql } from 'drizzle-orm'
import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import { countHandovers, type HandoverCounts } from '../shared/handover/count-handovers.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { type Battery, readBattery } from '../shared/service/battery.ts'
import { type ErrorCode, errorCodes } from '../shared/service/errors.ts'
import { readRuntime } from '../shared/service/runtime.ts'
import type { RelayStore } from './open-store.ts'
import type { Peers } from './peers.ts'
import type { Source } from './places.ts'
import type { Progress } from './pull.ts'
import { type BatchState, batchStates, type PeerState, peers } from './schema.ts'

interface Sum {
  batches: number
  changes: number
}

/** One peer, in the relay's words. */
export interface PeerStatus {
  device: string
  name: string
  role: string
  state: PeerState
  since: string
  address: string
  metAt: string | null
  code: string | null
  why: string | null
  failures: number
  /** How many changes the laptop said are not sealed yet. */
  unsealed: number | null
  /** Of a laptop's batches: what this relay knows of them. */
  batches: Record<BatchState, Sum>
  progress: Progress | null
}

/** What this relay carries and whom it has met. Each count is its own claim (invariant 9). */
export interface RelayStatus {
  program: 'relay'
  running: boolean
  ports: Record<string, number>
  role: string
  name: string
  device: string
  study: string
  studyName: string
  studyVersion: number
  batches: Record<BatchState, Sum>
  /** How many batches this relay has signed for, whatever has become of them since. */
  pulled: number
  /** Laptops for which receipts are aboard that they have not been shown. */
  receiptsToBringBack: number
  lines: number
  battery: Battery | null
  handovers: HandoverCounts
  near: { seen: number; reachable: number; trusted: number }
  peers: PeerStatus[]
  /** Addresses that were heard of and where nobody was recognised yet. */
  places: { address: string; code: string | null; why: string | null }[]
  lastError: { code: string; message: string; hint: string; at: string; about: string } | null
}

/** A relay's data directory, opened by its program or by a command. */
interface Opened {
  data: string
  identity: Identity
  store: RelayStore
  study: StudyDocument
}

/**
 * Reads the relay's state; all counts are of one moment (invariant 9).
 * @param live the running program's peers; only it knows of progress and of unrecognised places
 */
export function relayStatus(opened: Opened, live?: Peers): RelayStatus {
  return opened.store.$client.transaction(() => statusNow(opened, live)).deferred()
}

function statusNow({ data, identity, store, study }: Opened, live?: Peers): RelayStatus {
  const runtime = readRuntime(data)
  const running = live !== undefined || runtime?.program === 'relay'
  const sums = sumsByProducer(store)
  const met = peerStatuses(store, study, sums, running, live)
  const places = unrecognised(live, ['mdns', 'knock', 'manual', 'server'])
  const near = met.filter(({ state }) => state !== 'gone')
  const reachable = near.filter(({ code }) => code !== 'PEER_UNREACHABLE')
  const heard = unrecognised(live, ['mdns', 'knock'])
  const strangers = places.filter(({ code }) => code !== null && code !== 'PEER_UNREACHABLE').length
  return {
    program: 'relay',
    running,
    ports: runtime?.ports ?? {},
    role: identity.role,
    name: identity.name,
    device: deviceOf(identity),
    study: identity.study,
    studyName: study.name,
    studyVersion: study.version,
    batches: total([...sums.values()]),
    pulled: count(store, sql`select count(*) as n from receipts`),
    receiptsToBringBack: countToBringBack(store),
    lines: count(store, sql`select count(*) as n from lines`),
    battery: readBattery(),
    handovers: countHandovers(store.$client, 'd.receipt IS NOT NULL'),
    near: {
      seen: near.length + heard.length,
      reachable: reachable.length + strangers,
      trusted: reachable.filter(({ code }) => !isDistrusted(code)).length,
    },
    peers: met,
    places,
    lastError: lastError(met),
  }
}

/** The newest reason why a peer is failing now. */
function lastError(met: PeerStatus[]): RelayStatus['lastError'] {
  const failing = met.filter(({ code }) => code !== null).sort((a, b) => (a.since < b.since ? 1 : -1))
  const [newest] = failing
  if (!newest) return null
  const code = (newest.code ?? 'UNEXPECTED') as ErrorCode
  return { code, message: newest.why ?? '', hint: errorCodes[code].hint, at: newest.since, about: newest.name }
}

function peerStatuses(
  store: RelayStore,
  study: StudyDocument,
  sums: Map<string, Record<BatchState, Sum>>,
  running: boolean,
  live: Peers | undefined,
): PeerStatus[] {
  return store
    .select()
    .from(peers)
    .all()
    .map((peer) => ({
      device: peer.device,
      name: study.devices[peer.device]?.name ?? peer.device.slice(0, 8),
      role: peer.role,
      state: running ? peer.state : 'gone',
      since: peer.since,
      address: `${peer.host}:${peer.port}`,
      metAt: peer.metAt,
      code: peer.code,
      why: peer.why,
      failures: peer.failures,
      unsealed: peer.unsealed,
      batches: sums.get(peer.device) ?? total([]),
      progress: live?.progress(peer.device) ?? null,
    }))
}

function unrecognised(live: Peers | undefined, from: Source[]): RelayStatus['places'] {
  return (live?.places() ?? [])
    .filter(({ device, sources }) => device === undefined && [...sources].some((source) => from.includes(source)))
    .map(({ key, code, why }) => ({ address: key, code: code ?? null, why: why ?? null }))
}

function sumsByProducer(store: RelayStore): Map<string, Record<BatchState, Sum>> {
  const rows = store.all<{ producer: string; state: BatchState; batches: number; changes: number }>(sql`
    select producer, state, count(*) as batches, sum(changes) as changes from manifests group by producer, state`)
  const sums = new Map<string, Record<BatchState, Sum>>()
  for (const { producer, state, batches, changes } of rows) {
    const sum = sums.get(producer) ?? total([])
    sum[state] = { batches, changes }
    sums.set(producer, sum)
  }
  return sums
}

function total(sums: Record<BatchState, Sum>[]): Record<BatchState, Sum> {
  const add = (state: BatchState): Sum => ({
    batches: sums.reduce((all, sum) => all + sum[state].batches, 0),
    changes: sums.reduce((all, sum) => all + sum[state].changes, 0),
  })
  return Object.fromEntries(batchStates.map((state) => [state, add(state)])) as Record<BatchState, Sum>
}

function countToBringBack(store: RelayStore): number {
  return count(
    store,
    sql`select count(*) as n from (
      select producer, max(position) as newest from (
        select producer, position from deliveries where current = 1
        union all select producer, position from server_receipts)
      group by producer) as aboard
      left join peers on peers.device = aboard.producer
      where aboard.newest > coalesce(peers.shown, 0)`,
  )
}

function count(store: RelayStore, query: ReturnType<typeof sql>): number {
  return store.all<{ n: number }>(query)[0]?.n ?? 0
}

function isDistrusted(code: string | null): boolean {
  return ['CREDENTIAL_REFUSED', 'STUDY_MISMATCH', 'ROLE_REFUSED', 'REVOKED'].includes(code ?? '')
}
