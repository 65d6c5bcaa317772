import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import { missingRanges } from '../shared/protocol/coverage.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { readRuntime } from '../shared/service/runtime.ts'
import { type Counted, readCount } from './counts.ts'
import { rangesAbove } from './delivery.ts'
import { type LastError, readLastError } from './facts.ts'
import { incarnation } from './incarnation.ts'
import { countHandovers, type ServerHandovers } from './keep-handovers.ts'
import type { ServerStore } from './open-store.ts'
import { readSink, type SinkStatus } from './sink-status.ts'

/** Changes and batches in one state. */
export interface Count {
  batches: number
  changes: number
}

/** What is known of one producer's chain. */
export interface ChainStatus {
  producer: string
  name: string
  chain: string
  through: number
  safeThrough: number
  witnessed: number
  unsealed: number
  missing: Array<[number, number]>
  forkAt: number | null
}

/**
 * What became of opened changes, each counted once: `toApply` is what applying has not come to. `conflicts` are records that several changes
 * disagree on, `duplicates` natural keys that several records bear.
 */
export type RecordCounts = Record<
  'toApply' | 'applied' | 'waiting' | 'held' | 'quarantined' | 'discarded' | 'conflicts' | 'duplicates',
  number
>

/** What the server can say of itself: arrived is not opened, opened is not applied, each with its own count. */
export interface ServerStatus {
  program: 'server'
  running: boolean
  ports: Record<string, number>
  role: string
  name: string
  device: string
  study: string
  studyName: string
  studyVersion: number
  incarnation: { number: number; nonce: string }
  counts: {
    ingested: Count
    opened: Count
    held: Count
    quarantined: Count
    refused: Count
    changes: number
    badLines: number
  }
  records: RecordCounts
  handovers: ServerHandovers
  chains: ChainStatus[]
  aside: Array<{
    batch: string
    producer: string
    seq: number
    state: string
    code: string | null
    message: string | null
  }>
  alarms: string[]
  devices: Array<{ device: string; name: string; role: string; site: string | null; revoked: boolean }>
  lastBackup: { path: string; at: string } | null
  /** What is written into the app's own database; null where this server writes into none. */
  sink: SinkStatus | null
  lastError: LastError | null
}

/** Reads the status of a server's data directory, whether its program runs or not. All counts are of one moment (invariant 9). */
export function serverStatus(store: ServerStore, data: string, identity: Identity, study: StudyDocument): ServerStatus {
  return store.$client.transaction(() => statusNow(store, data, identity, study)).deferred()
}

function statusNow(store: ServerStore, data: string, identity: Identity, study: StudyDocument): ServerStatus {
  const runtime = readRuntime(data)
  return {
    program: 'server',
    running: runtime?.program === 'server',
    ports: runtime?.ports ?? {},
    role: identity.role,
    name: identity.name,
    device: deviceOf(identity),
    study: identity.study,
    studyName: study.name,
    studyVersion: study.version,
    incarnation: incarnation(store),
    counts: counts(store),
    records: recordCounts(store),
    handovers: countHandovers(store),
    chains: chains(store, study),
    aside: aside(store),
    alarms: alarms(store),
    devices: devices(study),
    lastBackup:
      store.$client
        .prepare<[], { path: string; at: string }>('SELECT path, at FROM backups ORDER BY ordinal DESC LIMIT 1')
        .get() ?? null,
    sink: readSink(store),
    lastError: readLastError(store),
  }
}

function counts(store: ServerStore): ServerStatus['counts'] {
  const count = store.$client.prepare<[string], Count>(
    // `total` does not overflow: a batch that was not opened may claim any number.
    'SELECT count(*) batches, CAST(total(changes) AS INTEGER) changes FROM batches WHERE state = ?',
  )
  const of = (state: string) => count.get(state) ?? { batches: 0, changes: 0 }
  const rows = (table: string) =>
    store.$client.prepare<[], { count: number }>(`SELECT count(*) count FROM ${table}`).get()?.count ?? 0
  return {
    ingested: of('ingested'),
    opened: of('opened'),
    held: of('held'),
    quarantined: of('quarantined'),
    refused: of('refused'),
    changes: readCount(store, 'opened'),
    badLines: rows('bad_lines'),
  }
}

function recordCounts(store: ServerStore): RecordCounts {
  const of = (name: Counted) => readCount(store, name)
  return {
    toApply: of('opened') - of('settled'),
    applied: of('applied'),
    waiting: of('waiting'),
    held: of('held'),
    quarantined: of('quarantined'),
    discarded: of('discarded'),
    conflicts: of('conflicts'),
    duplicates: of('duplicates'),
  }
}

function chains(store: ServerStore, study: StudyDocument): ChainStatus[] {
  const rows = store.$client
    .prepare<[], Omit<ChainStatus, 'name' | 'missing'>>(
      `SELECT producer, chain, through, safe_through safeThrough, witnessed, unsealed, fork_at forkAt FROM chains LIMIT 4096`,
    )
    .all()
  return rows.map((row) => ({
    ...row,
    name: study.devices[row.producer]?.name ?? row.producer.slice(0, 8),
    missing: missingRanges(row.through, rangesAbove(store, row, '1'), row.witnessed),
  }))
}

function aside(store: ServerStore): ServerStatus['aside'] {
  return store.$client
    .prepare<[], ServerStatus['aside'][number]>(
      `SELECT manifest_digest batch, producer, seq, state, code, message FROM batches
       WHERE state IN ('held', 'quarantined') ORDER BY ordinal LIMIT 1000`,
    )
    .all()
}

function alarms(store: ServerStore): string[] {
  return store.$client
    .prepare<[], { key: string; value: string }>("SELECT key, value FROM facts WHERE key LIKE 'alarm:%' LIMIT 1000")
    .all()
    .map(({ key, value }) => `${key.slice('alarm:'.length)}: ${value}`)
}

function devices(study: StudyDocument): ServerStatus['devices'] {
  const revoked = new Set(study.revocations.map(({ device }) => device))
  return Object.entries(study.devices).map(([device, known]) => ({ device, ...known, revoked: revoked.has(device) }))
}
