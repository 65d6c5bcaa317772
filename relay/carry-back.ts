import { and, asc, desc, eq, gt, ne, or, type SQL, sql } from 'drizzle-orm'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import { judgeDelivery } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { coverBatches, resetChain, uncoverBatches } from './cover.ts'
import { type Hold, nextPosition, type RelayStore } from './open-store.ts'
import { deliveries, facts, gaps, manifests, peers, serverReceipts } from './schema.ts'

const most = 4096
/** A meeting holds no more. */
export const mostManifests = 64
const mostFollowers = 48

/** Who is told: what rides back depends on it. */
export interface Listener {
  device: string
  role: string
}

/** What rides back with this relay for one listener. */
export interface Cargo {
  deliveries: string[]
  gaps: string[]
  custody: string[]
  manifests: string[]
  /** The newest that is in it: shown, once the listener has answered. */
  position: number
}

/**
 * Delivery receipts and gap notices of all producers that the listener has not seen from this relay, its own always; a laptop
 * also gets servers' custody receipts of its batches, and the newest manifests of its chains.
 */
export function cargoFor(store: RelayStore, listener: Listener): Cargo {
  const shown = shownTo(store, listener)
  const { device } = listener
  const newOrOwn = (table: typeof deliveries | typeof gaps): SQL | undefined =>
    or(gt(table.position, shown), eq(table.producer, device))
  return {
    deliveries: store
      .select()
      .from(deliveries)
      .where(and(eq(deliveries.current, true), newOrOwn(deliveries)))
      .orderBy(desc(eq(deliveries.producer, device)), desc(deliveries.position))
      .limit(most)
      .all()
      .map(({ jws }) => jws),
    gaps: store
      .select()
      .from(gaps)
      .where(newOrOwn(gaps))
      .orderBy(desc(gaps.position))
      .limit(most)
      .all()
      .map(({ jws }) => jws),
    custody: listener.role === 'field' ? custodyFor(store, device, shown) : [],
    manifests: listener.role === 'field' ? newestManifests(store, device) : [],
    position: Number(store.select().from(facts).where(eq(facts.name, 'position')).get()?.value ?? 0),
  }
}

/** Stores what servers told, and what follows from it for the batches here. @returns how many documents were new */
export function absorbCargo(
  hold: Hold,
  told: { deliveries: Verified<'delivery'>[]; gaps: Verified<'gaps'>[] },
): number {
  return hold.commit((store) => {
    const taken = told.deliveries.filter((delivery) => takeDelivery(hold, store, delivery)).length
    return taken + told.gaps.filter((notice) => takeGaps(store, notice)).length
  })
}

/** A server told in which incarnation it lives; a new one resets what its older lives covered. */
export function takeIncarnation(hold: Hold, server: string, incarnation: { number: number; nonce: string }): void {
  const name = `incarnation:${server}`
  const held = hold.store.select().from(facts).where(eq(facts.name, name)).get()?.value
  const { number, nonce } = held ? JSON.parse(held) : { number: 0, nonce: '' }
  if (incarnation.nonce === nonce || incarnation.number < number) return
  if (incarnation.number === number)
    hold.logger.error({ peer: server, code: 'BATCH_CONFLICT' }, 'two lives of one server claim one incarnation number')
  hold.commit((store) => {
    const value = JSON.stringify(incarnation)
    store.insert(facts).values({ name, value }).onConflictDoUpdate({ target: facts.name, set: { value } }).run()
    if (!held) return
    for (const { producer, chain } of uncoverBatches(store, server, incarnation.nonce))
      coverAgain(store, producer, chain)
  })
}

function takeDelivery(hold: Hold, store: RelayStore, shown: Verified<'delivery'>): boolean {
  const { server, producer, chain, incarnation } = shown.document
  const place = and(eq(deliveries.server, server), eq(deliveries.producer, producer), eq(deliveries.chain, chain))
  const rows = store.select().from(deliveries).where(place).all()
  if (rows.some(({ jws }) => jws === shown.jws)) return false
  const row = rows.find(({ current }) => current)
  const held = row && readDocument(row.jws, 'delivery').document
  const verdict = judgeDelivery(held, shown.document)
  if (verdict === 'keep') return false
  if (verdict === 'alarm') alarm(hold, shown.document)
  const counts = verdict === 'take' || shown.document.through < (held?.through ?? 0)
  if (counts) store.update(deliveries).set({ current: false }).where(place).run()
  const value = { jws: shown.jws, current: counts, position: nextPosition(store) }
  store
    .insert(deliveries)
    .values({ server, producer, chain, nonce: incarnation.nonce, ...value })
    .onConflictDoUpdate({
      target: [deliveries.server, deliveries.producer, deliveries.chain, deliveries.nonce],
      set: value,
    })
    .run()
  if (counts && held && held.incarnation.nonce !== incarnation.nonce) resetChain(store, producer, chain)
  coverAgain(store, producer, chain)
  return true
}

/** Every receipt that counts for the chain, of whatever server. */
function coverAgain(store: RelayStore, producer: string, chain: string): void {
  const counting = and(eq(deliveries.producer, producer), eq(deliveries.chain, chain), eq(deliveries.current, true))
  for (const { jws } of store.select().from(deliveries).where(counting).all())
    coverBatches(store, readDocument(jws, 'delivery').document)
}

function takeGaps(store: RelayStore, shown: Verified<'gaps'>): boolean {
  const { server, producer, chain, incarnation } = shown.document
  const place = and(eq(gaps.server, server), eq(gaps.producer, producer), eq(gaps.chain, chain))
  const row = store.select().from(gaps).where(place).get()
  if (row?.jws === shown.jws) return false
  if (row && !isNewer(readDocument(row.jws, 'gaps').document, { ...shown.document, incarnation })) return false
  const value = { jws: shown.jws, position: nextPosition(store) }
  store
    .insert(gaps)
    .values({ server, producer, chain, ...value })
    .onConflictDoUpdate({ target: [gaps.server, gaps.producer, gaps.chain], set: value })
    .run()
  return true
}

// A notice is no proof of anything done: among one server's own, its own clock may say which is the later.
function isNewer(held: { incarnation: { number: number }; at: string }, shown: typeof held): boolean {
  if (held.incarnation.number !== shown.incarnation.number) return shown.incarnation.number > held.incarnation.number
  return shown.at > held.at
}

function alarm(hold: Hold, { server, producer, chain, incarnation }: DeliveryReceipt): void {
  const about = { peer: server, producer, chain, incarnation: incarnation.number, code: 'BATCH_CONFLICT' }
  hold.logger.error(about, 'two delivery receipts of one incarnation number disagree; the lower one counts')
}

function shownTo(store: RelayStore, { device, role }: Listener): number {
  // A server may have been restored since: it is shown all, so that it can know itself.
  if (role !== 'field') return 0
  return store.select().from(peers).where(eq(peers.device, device)).get()?.shown ?? 0
}

function custodyFor(store: RelayStore, producer: string, shown: number): string[] {
  return store
    .select({ jws: serverReceipts.jws })
    .from(serverReceipts)
    .innerJoin(manifests, eq(manifests.digest, serverReceipts.manifest))
    .where(
      and(
        eq(serverReceipts.producer, producer),
        gt(serverReceipts.position, shown),
        sql`${manifests.state} <> 'delivered'`,
      ),
    )
    .limit(most)
    .all()
    .map(({ jws }) => jws)
}

/** The newest batch of each chain; a few seeks in the index, whatever the length of the chains. */
function newestManifests(store: RelayStore, producer: string): string[] {
  const newest: string[] = []
  for (let chain = ''; newest.length < mostManifests; ) {
    const rows = store.all<{ chain: string; jws: string }>(sql`
      select chain, jws from manifests where producer = ${producer}
        and chain = (select min(chain) from manifests where producer = ${producer} and chain > ${chain})
      order by seq desc limit 1`)
    const row = rows[0]
    if (!row) break
    newest.push(row.jws)
    chain = row.chain
  }
  return newest
}

/**
 * What follows, one the other, the batches that a laptop shows as the newest it knows of chains that it has left behind: with them
 * its restored disk knows its batches for ancestors of what was delivered.
 */
export function followersOf(store: RelayStore, producer: string, shown: Verified<'manifest'>[]): string[] {
  const followers: string[] = []
  for (const { document, digest, signer } of shown) {
    if (document.producer !== producer || signer.device !== producer) continue
    let { seq, tip } = { seq: document.seq, tip: digest }
    while (followers.length < mostFollowers) {
      seq += 1
      const found = followerOf(store, producer, document.chain, seq, tip)
      if (!found) break
      followers.push(found.jws)
      tip = found.digest
    }
  }
  return followers
}

function followerOf(store: RelayStore, producer: string, chain: string, seq: number, previous: string) {
  const place = and(eq(manifests.producer, producer), eq(manifests.chain, chain), eq(manifests.seq, seq))
  return store
    .select({ jws: manifests.jws, digest: manifests.digest })
    .from(manifests)
    .where(and(place, eq(manifests.previous, previous), ne(manifests.state, 'quarantined')))
    .orderBy(desc(eq(manifests.state, 'delivered')), asc(manifests.id))
    .limit(1)
    .get()
}
