import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import { countHandovers, type HandoverCounts } from '../shared/handover/count-handovers.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { type Battery, readBattery } from '../shared/service/battery.ts'
import { readRuntime } from '../shared/service/runtime.ts'
import { type AppOutboxState, readAppOutboxState } from './app-outbox/app-outbox-state.ts'
import { type LastError, readLastError } from './facts.ts'
import { countOpenLines } from './open-lines.ts'
import type { DaemonStore } from './open-store.ts'
import { outboxSize } from './sealer.ts'

/** Changes and batches in one state. */
export interface Count {
  changes: number
  batches: number
}

/** What a field laptop can say of itself without guessing: every count stands on a receipt, or says that there is none. */
export interface DaemonStatus {
  program: 'daemon'
  running: boolean
  ports: Record<string, number>
  role: string
  name: string
  device: string
  study: string
  studyName: string
  studyVersion: number
  counts: {
    outbox: Count
    sealed: Count
    withDriver: Count
    atServer: Count
    delivered: Count
    safe: Count
    pruned: Count
    missing: Count
  }
  /** The app's own table; null where none is read. */
  appOutbox: AppOutboxState | null
  openLines: number
  battery: Battery | null
  handovers: HandoverCounts
  couriers: Array<{ device: string; name: string; since: string; changes: number }>
  peers: Array<{ device: string; name: string; role: string; address: string; at: string }>
  lastError: LastError | null
}

/**
 * Reads the status of a field laptop's data directory, whether its program runs or not. All counts are of one moment: what moves on
 * meanwhile is in exactly one of them (invariant 9).
 */
export function daemonStatus(store: DaemonStore, data: string, identity: Identity, study: StudyDocument): DaemonStatus {
  return store.$client.transaction(() => statusNow(store, data, identity, study)).deferred()
}

function statusNow(store: DaemonStore, data: string, identity: Identity, study: StudyDocument): DaemonStatus {
  const runtime = readRuntime(data)
  return {
    program: 'daemon',
    running: runtime?.program === 'daemon',
    ports: runtime?.ports ?? {},
    role: identity.role,
    name: identity.name,
    device: deviceOf(identity),
    study: identity.study,
    studyName: study.name,
    studyVersion: study.version,
    counts: counts(store),
    appOutbox: readAppOutboxState(store),
    openLines: countOpenLines(store, study),
    battery: readBattery(),
    handovers: countHandovers(store.$client, isDelivered),
    couriers: couriers(store, study),
    peers: peers(store, study),
    lastError: readLastError(store),
  }
}

/** Of a handover document: the batch that it was sealed into is delivered. */
const isDelivered = `d.digest IN (SELECT s.digest FROM sealed_documents s JOIN batches b ON b.manifest_digest = s.batch
  WHERE b.delivered = 1)`

/** `sealed`: nobody signed for it. `withDriver`: only couriers did. `atServer`: the server did, and has not opened it. */
function counts(store: DaemonStore): DaemonStatus['counts'] {
  const atServer = `EXISTS (SELECT 1 FROM custody_receipts c WHERE c.manifest_digest = b.manifest_digest AND c.role != 'relay' AND c.void = 0)`
  return {
    outbox: { changes: outboxSize(store, 10_000_000).changes, batches: 0 },
    sealed: count(store, 'delivered = 0 AND pruned = 0 AND carried = 0'),
    withDriver: count(store, `delivered = 0 AND pruned = 0 AND carried = 1 AND NOT ${atServer}`),
    atServer: count(store, `delivered = 0 AND pruned = 0 AND carried = 1 AND ${atServer}`),
    delivered: count(store, 'delivered = 1'),
    safe: count(store, 'delivered = 1 AND safe = 1'),
    pruned: count(store, 'pruned = 1'),
    missing: count(store, 'delivered = 0 AND pruned = 1'),
  }
}

function count(store: DaemonStore, where: string): Count {
  return (
    store.$client
      .prepare<[], Count>(`SELECT count(*) batches, coalesce(sum(changes), 0) changes FROM batches b WHERE ${where}`)
      .get() ?? { batches: 0, changes: 0 }
  )
}

/** Who has what no delivery covers: the newest receipt of each batch counts. */
function couriers(store: DaemonStore, study: StudyDocument): DaemonStatus['couriers'] {
  const rows = store.$client
    .prepare<[], { device: string; since: string; changes: number }>(
      `SELECT c.by device, min(c.at) since, sum(b.changes) changes FROM batches b
       JOIN custody_receipts c ON c.manifest_digest = b.manifest_digest
       WHERE b.delivered = 0 AND c.role = 'relay' GROUP BY c.by`,
    )
    .all()
  return rows.map((row) => ({ ...row, name: study.devices[row.device]?.name ?? row.device.slice(0, 8) }))
}

function peers(store: DaemonStore, study: StudyDocument): DaemonStatus['peers'] {
  const rows = store.$client
    .prepare<[], { device: string; role: string; address: string; at: string }>(
      'SELECT * FROM meetings ORDER BY at DESC LIMIT 50',
    )
    .all()
  return rows.map((row) => ({ ...row, name: study.devices[row.device]?.name ?? row.device.slice(0, 8) }))
}
