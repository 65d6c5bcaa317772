import { deviceOf, type Identity, signerOf } from '../shared/crypto/identity.ts'
import { signDocument } from '../shared/crypto/sign-document.ts'
import { missingRanges, rangesOf } from '../shared/protocol/coverage.ts'
import type { BatchRun, DeliveryReceipt, Incarnation } from '../shared/protocol/delivery-receipt.ts'
import type { GapNotice } from '../shared/protocol/gap-notice.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { incarnation } from './incarnation.ts'
import type { ServerStore } from './open-store.ts'

/** What signing needs to know. */
export interface SignContext {
  store: ServerStore
  identity: Identity
  clock: Clock
}

interface ChainRow {
  producer: string
  chain: string
  through: number
  throughDigest: string | null
  safeThrough: number
  witnessed: number
  unsealed: number
  forkAt: number | null
}

/** What a server says of a chain. */
interface Told {
  delivery: DeliveryReceipt
  gaps: GapNotice | undefined
}

const mostRanges = 1024
const mostTold = 4096
/** A meeting has to stay below `maxMeetingBytes`, whatever some laptop's gaps look like. */
const mostToldBytes = 3_500_000

/**
 * Signs, for every chain whose state has changed, what this server has opened (delivery) and what it has only heard of (gaps).
 * A program killed in between finds the same chains again.
 * @returns how many were signed
 */
export async function signChains(context: SignContext): Promise<number> {
  const dirty = context.store.$client
    .prepare<[], Pick<ChainRow, 'producer' | 'chain'>>('SELECT producer, chain FROM chains WHERE dirty = 1')
    .all()
  for (const { producer, chain } of dirty) await signChain(context, producer, chain)
  return dirty.length
}

/** The newest receipts and notices: of one producer's chains, or of all. What has many gaps is left out before what has few. */
export function signedChains(store: ServerStore, producer?: string): { deliveries: string[]; gaps: string[] } {
  return { deliveries: shortest(store, 'delivery', producer), gaps: shortest(store, 'gaps', producer) }
}

function shortest(store: ServerStore, column: 'delivery' | 'gaps', producer: string | undefined): string[] {
  const rows = store.$client
    .prepare<[string | null, string | null], { jws: string }>(
      `SELECT ${column} jws FROM chains WHERE ${column} IS NOT NULL AND (? IS NULL OR producer = ?)
       ORDER BY length(${column}) LIMIT ${mostTold}`,
    )
    .all(producer ?? null, producer ?? null)
  const told: string[] = []
  let bytes = 0
  for (const { jws } of rows) {
    bytes += jws.length
    if (bytes > mostToldBytes) break
    told.push(jws)
  }
  return told
}

async function signChain(context: SignContext, producer: string, chain: string): Promise<void> {
  const { store, identity, clock } = context
  const at = clock.now().toISOString()
  const told = tellChain(context, producer, chain, at)
  const delivery = await signDocument('delivery', told.delivery, signerOf(identity))
  const gaps = told.gaps && (await signDocument('gaps', told.gaps, signerOf(identity)))
  store.$client
    .transaction(() => {
      // What changed while signing, the incarnation too, is signed the next time.
      if (JSON.stringify(tellChain(context, producer, chain, at)) !== JSON.stringify(told)) return
      store.$client
        .prepare('UPDATE chains SET delivery = ?, gaps = ?, dirty = 0 WHERE producer = ? AND chain = ?')
        .run(delivery.jws, gaps?.jws ?? null, producer, chain)
    })
    .immediate()
}

function tellChain(context: SignContext, producer: string, chain: string, at: string): Told {
  const life = incarnation(context.store)
  const row = context.store.$client
    .prepare<[string, string], ChainRow>(
      `SELECT producer, chain, through, through_digest throughDigest, safe_through safeThrough, witnessed, unsealed,
       fork_at forkAt FROM chains WHERE producer = ? AND chain = ?`,
    )
    .get(producer, chain)
  if (!row) throw new WaybillError('STORAGE_FAILED', `chain ${chain} is gone`)
  return { delivery: deliveryOf(context, row, life, at), gaps: gapsOf(context, row, life, at) }
}

function deliveryOf({ store, identity }: SignContext, row: ChainRow, life: Incarnation, at: string): DeliveryReceipt {
  const { producer, chain, through, throughDigest, safeThrough, forkAt } = row
  return {
    v: 1,
    study: identity.study,
    producer,
    chain,
    through,
    throughDigest,
    above: runsAbove(store, row, forkAt ?? Number.MAX_SAFE_INTEGER),
    safeThrough,
    server: deviceOf(identity),
    incarnation: life,
    at,
  }
}

function gapsOf({ store, identity }: SignContext, row: ChainRow, life: Incarnation, at: string): GapNotice | undefined {
  const { producer, chain, through, witnessed, unsealed } = row
  const missing = missingRanges(through, rangesAbove(store, row, '1'), witnessed)
  if (witnessed === 0) return undefined
  return {
    v: 1,
    study: identity.study,
    producer,
    chain,
    missing: missing.slice(0, mostRanges),
    witnessed,
    unsealed,
    server: deviceOf(identity),
    incarnation: life,
    at,
  }
}

/** The runs above `through` of opened batches before the fork: each batch of a run follows the one before it. */
function runsAbove(store: ServerStore, { producer, chain, through }: ChainRow, before: number): BatchRun[] {
  const opened = store.$client
    .prepare<[string, string, number, number], { seq: number; digest: string; previous: string | null }>(
      `SELECT seq, manifest_digest digest, previous FROM batches WHERE producer = ? AND chain = ? AND seq > ? AND seq < ?
       AND state = 'opened' ORDER BY seq`,
    )
    .all(producer, chain, through, before)
  const runs: BatchRun[] = []
  for (const { seq, digest, previous } of opened) {
    const last = runs.at(-1)
    if (last && previous === last[2]) runs.splice(-1, 1, [last[0], seq, digest])
    else runs.push([seq, seq, digest])
  }
  return runs.slice(0, mostRanges)
}

/** The ranges above `through` of batches in a state. */
export function rangesAbove(
  store: ServerStore,
  { producer, chain, through }: Pick<ChainRow, 'producer' | 'chain' | 'through'>,
  state: string,
) {
  const seqs = store.$client
    .prepare<[string, string, number], { seq: number }>(
      `SELECT DISTINCT seq FROM batches WHERE producer = ? AND chain = ? AND seq > ? AND ${state} ORDER BY seq`,
    )
    .all(producer, chain, through)
  return rangesOf(seqs.map(({ seq }) => seq)).slice(0, mostRanges)
}
