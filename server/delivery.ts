import { deviceOf, type Identity, signerOf } from '../shared/crypto/identity.ts'
import { signDocument } from '../shared/crypto/sign-document.ts'
import { missingRanges, rangesOf } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt, Incarnation } from '../shared/protocol/delivery-receipt.ts'
import type { GapNotice } from '../shared/protocol/gap-notice.ts'
import type { Clock } from '../shared/service/clock.ts'
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
  safeThrough: number
  witnessed: number
  unsealed: number
}

const mostRanges = 1024

/**
 * Signs, for every chain whose state has changed, what this server has opened (delivery) and what it has only heard of (gaps).
 * A program killed in between finds the same chains again.
 */
export async function signChains(context: SignContext): Promise<number> {
  const life = incarnation(context.store)
  const dirty = context.store.$client
    .prepare<[], ChainRow>(
      `SELECT producer, chain, through, safe_through safeThrough, witnessed, unsealed FROM chains WHERE dirty = 1 LIMIT 1000`,
    )
    .all()
  for (const chain of dirty) await signChain(context, chain, life)
  return dirty.length
}

/** The newest receipts and notices: of one producer's chains, or of all. */
export function signedChains(store: ServerStore, producer?: string): { deliveries: string[]; gaps: string[] } {
  const rows = store.$client
    .prepare<[string | null, string | null], { delivery: string | null; gaps: string | null }>(
      'SELECT delivery, gaps FROM chains WHERE ? IS NULL OR producer = ? LIMIT 4096',
    )
    .all(producer ?? null, producer ?? null)
  const isText = (text: string | null) => text !== null
  return {
    deliveries: rows.map((row) => row.delivery).filter(isText),
    gaps: rows.map((row) => row.gaps).filter(isText),
  }
}

async function signChain(context: SignContext, row: ChainRow, life: Incarnation): Promise<void> {
  const { store, identity } = context
  const delivery = await signDocument('delivery', deliveryOf(context, row, life), signerOf(identity))
  const notice = gapsOf(context, row, life)
  const gaps = notice && (await signDocument('gaps', notice, signerOf(identity)))
  const { producer, chain, through, safeThrough, witnessed, unsealed } = row
  // What changed while signing is signed the next time: only the state that was read becomes clean.
  store.$client
    .prepare(
      `UPDATE chains SET delivery = ?, gaps = ?, dirty = 0
       WHERE producer = ? AND chain = ? AND through = ? AND safe_through = ? AND witnessed = ? AND unsealed = ?
       AND (SELECT value FROM facts WHERE key = 'incarnation') = ?`,
    )
    .run(
      delivery.jws,
      gaps?.jws ?? null,
      producer,
      chain,
      through,
      safeThrough,
      witnessed,
      unsealed,
      JSON.stringify(life),
    )
}

function deliveryOf({ store, identity, clock }: SignContext, row: ChainRow, life: Incarnation): DeliveryReceipt {
  const { producer, chain, through, safeThrough } = row
  return {
    v: 1,
    study: identity.study,
    producer,
    chain,
    through,
    throughDigest: digestAt(store, producer, chain, through),
    above: rangesAbove(store, row, "state = 'opened'"),
    safeThrough,
    server: deviceOf(identity),
    incarnation: life,
    at: clock.now().toISOString(),
  }
}

function gapsOf({ store, identity, clock }: SignContext, row: ChainRow, life: Incarnation): GapNotice | undefined {
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
    at: clock.now().toISOString(),
  }
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

function digestAt(store: ServerStore, producer: string, chain: string, seq: number): string | null {
  return (
    store.$client
      .prepare<[string, string, number], { digest: string }>(
        "SELECT manifest_digest digest FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND state = 'opened'",
      )
      .get(producer, chain, seq)?.digest ?? null
  )
}
