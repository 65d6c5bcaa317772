import type { Change } from '../shared/protocol/change.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { asWaybillError, type ErrorCode } from '../shared/service/errors.ts'
import { verifyHops, verifyOwn } from './hops.ts'
import type { IngestContext } from './ingest.ts'
import { type Hop, hopOf } from './provenance.ts'
import { listed, type ReadContext, readContent, termsOf } from './read-batch.ts'
import {
  type BatchDecided,
  decidedOn,
  decisionsOn,
  findBatch,
  followersOf,
  type StoredBatch,
  told,
  type WaitingBatch,
} from './waiting-batches.ts'

/** What some batches hold, by model; `unread` of them could not be opened, or were too many. */
export interface BatchContent {
  models: Array<{ model: string; insert: number; update: number; delete: number }>
  unread: number
}

/** One of the branches of a fork, from its first number on. */
export interface Branch extends BatchContent {
  /** Its first batch. */
  branch: string
  first: number
  last: number
  batches: number
  changes: number
  opened: number
  waiting: number
  refused: number
  /** Records that another branch has changes of as well. */
  alsoElsewhere: number
}

/** One batch as closely as a person can look at it, before deciding. */
export interface ShownBatch {
  batch: WaitingBatch
  manifest: Manifest
  /** Every receipt for it, verified from the authority key. */
  path: Hop[]
  /** Those that wait behind it on its branch. */
  follow: Array<{ digest: string; seq: number; changes: number }>
  /** What was decided on it, or on one that it follows. */
  decisions: BatchDecided[]
  content: BatchContent
  /** Why it cannot be read. */
  unreadable: { code: ErrorCode; message: string } | null
  /** Where its chain has forked: all branches, side by side. */
  branches: Branch[]
}

type Context = IngestContext & ReadContext

/** A batch in the order of its branch, with what was read of it. */
interface Read {
  batch: StoredBatch
  changes: Array<Pick<Change, 'model' | 'pk' | 'action'>> | undefined
}

/** More than a person looks through; a branch of months is counted by its first batches. */
const mostRead = 40

/**
 * A batch, with what it and each branch of its chain hold: counts by model, and no value.
 * @throws NOT_FOUND, BAD_ARGUMENT as findBatch; PROVENANCE_BROKEN, SIGNATURE_INVALID where its receipts do not hold
 */
export async function showBatch(context: Context, named: string): Promise<ShownBatch> {
  const { store, trust, identity, shelf } = context
  const stored = findBatch(context, named)
  const manifest = await trust.verify(stored.manifest, 'manifest')
  const tree = await verifyHops(store, trust, manifest, await verifyOwn(trust, identity, stored.custody))
  const nameOf = (device: string) => shelf.document.devices[device]?.name ?? device.slice(0, 8)
  const read = await readOne(context, stored)
  return {
    batch: await told(context, stored, await decidedOn(context)),
    manifest: manifest.document,
    path: tree.map((receipt) => hopOf(receipt, nameOf)),
    follow: followersOf(context, stored).map(({ digest, seq, changes }) => ({ digest, seq, changes })),
    decisions: await decisionsOn(context, stored),
    content: contentOf([read]),
    unreadable: read.failed ?? null,
    branches: await branchesAt(context, stored),
  }
}

async function readOne(context: Context, batch: StoredBatch): Promise<Read & { failed?: ShownBatch['unreadable'] }> {
  try {
    const { manifest, terms } = await termsOf(context, batch.manifest)
    return { batch, changes: (await readContent(context, manifest, terms, listed)).changes }
  } catch (error) {
    const { code, message } = asWaybillError(error)
    return { batch, changes: undefined, failed: { code, message } }
  }
}

function contentOf(read: Read[]): BatchContent {
  const models = new Map<string, BatchContent['models'][number]>()
  for (const { model, action } of read.flatMap(({ changes }) => changes ?? [])) {
    const counts = models.get(model) ?? { model, insert: 0, update: 0, delete: 0 }
    counts[action] += 1
    models.set(model, counts)
  }
  const unread = read.filter(({ changes }) => changes === undefined).length
  return { models: [...models.values()].sort((a, b) => (a.model < b.model ? -1 : 1)), unread }
}

/** The branches of a chain that has forked, each with the first batches of it opened. */
async function branchesAt(context: Context, { producer, chain }: StoredBatch): Promise<Branch[]> {
  const rows = context.store.$client
    .prepare<[string, string], StoredBatch>(
      `SELECT b.ordinal, b.manifest_digest digest, b.manifest, b.state, b.seq, b.branch, b.changes FROM batches b
       JOIN chains c ON c.producer = b.producer AND c.chain = b.chain
       WHERE b.producer = ? AND b.chain = ? AND b.branch IS NOT NULL AND b.seq >= c.fork_at ORDER BY b.seq, b.ordinal`,
    )
    .all(producer, chain)
  const branches: Array<{ of: StoredBatch[]; read: Read[] }> = []
  for (const of of Map.groupBy(rows, ({ branch }) => branch).values()) {
    const read: Read[] = []
    for (const batch of of)
      read.push(read.length < mostRead ? await readOne(context, batch) : { batch, changes: undefined })
    branches.push({ of, read })
  }
  const records = branches.map(({ read }) => new Set(read.flatMap(({ changes = [] }) => changes.map(recordOf))))
  return branches.map(({ of, read }, index) => {
    const others = records.filter((_, other) => other !== index)
    const count = (...states: string[]) => of.filter(({ state }) => states.includes(state)).length
    return {
      ...{ branch: of[0]?.branch ?? '', first: of[0]?.seq ?? 0, last: of.at(-1)?.seq ?? 0, batches: of.length },
      ...{ changes: of.reduce((sum, { changes }) => sum + changes, 0), opened: count('opened') },
      ...{ waiting: count('held', 'quarantined', 'ingested'), refused: count('refused') },
      alsoElsewhere: [...(records[index] ?? [])].filter((record) => others.some((other) => other.has(record))).length,
      ...contentOf(read),
    }
  })
}

function recordOf({ model, pk }: Pick<Change, 'model' | 'pk'>): string {
  return JSON.stringify([model, pk])
}
