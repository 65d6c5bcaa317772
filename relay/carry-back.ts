import type { Database } from 'better-sqlite3'
import { and, asc, desc, eq, ne } from 'drizzle-orm'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import { judgeDelivery } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { coverBatches, resetChain, uncoverBatches } from './cover.ts'
import { type Hold, nextPosition, type RelayStore } from './open-store.ts'
import { deliveries, facts, gaps, manifests } from './schema.ts'

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
export function cargoFor({ $client }: RelayStore, { device, role }: Listener): Cargo {
  const shown = shownTo($client, { device, role })
  const newOrOwn = (table: 'deliveries' | 'gaps', rule: string) =>
    prepared<[number, string, string], { jws: string }>(
      $client,
      `SELECT jws FROM ${table} WHERE (position > ? OR producer = ?) AND ${rule}
       ORDER BY producer = ? DESC, position DESC LIMIT ${most}`,
    )
      .all(shown, device, device)
      .map(({ jws }) => jws)
  return {
    deliveries: newOrOwn('deliveries', 'current = 1'),
    gaps: newOrOwn('gaps', '1'),
    custody: role === 'field' ? custodyFor($client, device, shown) : [],
    manifests: role === 'field' ? newestManifests($client, device) : [],
    position: Number(
      prepared<[], { value: string }>($client, "SELECT value FROM facts WHERE name = 'position'").get()?.value ?? 0,
    ),
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
  const rows = prepared<[string, string, string], { jws: string; current: number }>(
    store.$client,
    'SELECT jws, current FROM deliveries WHERE server = ? AND producer = ? AND chain = ?',
  ).all(server, producer, chain)
  if (rows.some(({ jws }) => jws === shown.jws)) return false
  const row = rows.find(({ current }) => current)
  const held = row && readDocument(row.jws, 'delivery').document
  const verdict = judgeDelivery(held, shown.document)
  if (verdict === 'keep') return false
  if (verdict === 'alarm') alarm(hold, shown.document)
  const counts = verdict === 'take' || shown.document.through < (held?.through ?? 0)
  const place = and(eq(deliveries.server, server), eq(deliveries.producer, producer), eq(deliveries.chain, chain))
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

function shownTo(client: Database, { device, role }: Listener): number {
  // A server may have been restored since: it is shown all, so that it can know itself.
  if (role !== 'field') return 0
  return (
    prepared<[string], { shown: number }>(client, 'SELECT shown FROM peers WHERE device = ?').get(device)?.shown ?? 0
  )
}

function custodyFor(client: Database, producer: string, shown: number): string[] {
  return prepared<[string, number], { jws: string }>(
    client,
    `SELECT r.jws FROM server_receipts r JOIN manifests m ON m.digest = r.manifest
     WHERE r.producer = ? AND r.position > ? AND m.state <> 'delivered' LIMIT ${most}`,
  )
    .all(producer, shown)
    .map(({ jws }) => jws)
}

/** The newest batch of each chain; a few seeks in the index, whatever the length of the chains. */
function newestManifests(client: Database, producer: string): string[] {
  const after = prepared<[string, string, string], { chain: string; jws: string }>(
    client,
    `SELECT chain, jws FROM manifests WHERE producer = ?
     AND chain = (SELECT min(chain) FROM manifests WHERE producer = ? AND chain > ?) ORDER BY seq DESC LIMIT 1`,
  )
  const newest: string[] = []
  for (let chain = ''; newest.length < mostManifests; ) {
    const row = after.get(producer, producer, chain)
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
