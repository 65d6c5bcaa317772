import { and, eq, inArray, sql } from 'drizzle-orm'
import { type SignedDocument, signDocument } from '../shared/crypto/sign-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import type { Head } from '../shared/protocol/custody-receipt.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { chainFault } from './check-manifest.ts'
import { type Hold, type RelayStore, withoutSync } from './open-store.ts'
import { manifests, receipts } from './schema.ts'

/** A batch as this relay knows it. */
export type BatchRow = typeof manifests.$inferSelect

/** A custody receipt of this relay, as stored. */
export type OwnReceipt = typeof receipts.$inferSelect

/** What the giver said of itself at this meeting; it goes into the receipts. */
export interface Giver {
  device: string
  at: string
  head: Head | null
}

/**
 * Takes note of batches that a laptop showed, in one transaction: those to fetch are `pulling`, those that do not fit their chain
 * are quarantined. @returns their rows as they are now
 */
export function noteManifests(hold: Hold, shown: Verified<'manifest'>[]): BatchRow[] {
  if (shown.length === 0) return []
  return withoutSync(hold, (store) => shown.map((manifest) => noteManifest(store, manifest)))
}

/** The batch of this manifest where it needs nothing more from a laptop; its manifest was verified when it was noted. */
export function settledBatch(store: RelayStore, digest: string): BatchRow | undefined {
  const known = queriesOf(store).batch.get({ digest })
  return known && !isWanted(known) ? known : undefined
}

function noteManifest(store: RelayStore, { document, digest, jws }: Verified<'manifest'>): BatchRow {
  const settled = settledBatch(store, digest)
  if (settled) return settled
  const why = chainFault(store, digest, document)
  const verdict = why
    ? { state: 'quarantined', code: 'CHAIN_BROKEN', why }
    : { state: 'pulling', code: null, why: null }
  const { producer, chain, seq, previous, payload, changes } = document
  return queriesOf(store).note.get({
    ...{ digest, producer, chain, seq, previous, jws, changes },
    ...{ payloadDigest: payload.digest, payloadSize: payload.size },
    ...verdict,
  })
}

/** Not whole here: being fetched, set aside, or removed and no longer covered since a server was restored. */
function isWanted({ state, pruned }: BatchRow): boolean {
  return state === 'pulling' || state === 'quarantined' || (pruned && state !== 'delivered')
}

/**
 * Signs for batches whose payloads are whole on this disk, and stores receipts and states in one transaction. A batch signed
 * for before keeps its first receipt: one holder makes one receipt a manifest.
 * @returns the receipts, on disk: only now may they be given
 */
export async function takeCustody(hold: Hold, batches: BatchRow[], giver: Giver): Promise<OwnReceipt[]> {
  const signed: { batch: BatchRow; at: string; jws: string }[] = []
  for (const batch of batches) {
    const at = hold.clock.now().toISOString()
    signed.push({ batch, at, jws: (await sign(hold, batch, giver, at)).jws })
  }
  return hold.commit((store) => signed.map(({ batch, at, jws }) => storeReceipt(store, batch, at, jws)))
}

/** Sets a batch aside with its code: nothing was signed. It is asked for again at the next meeting. */
export function quarantine(hold: Hold, batch: BatchRow, { code, message }: WaybillError): void {
  hold.commit((store) =>
    store
      .update(manifests)
      .set({ state: 'quarantined', code, why: message })
      .where(eq(manifests.digest, batch.digest))
      .run(),
  )
}

/** Receipts of a laptop's batches that it has not confirmed: an answer was lost. */
export function unreturnedReceipts(store: RelayStore, producer: string, most: number): OwnReceipt[] {
  return queriesOf(store).unreturned.all({ producer, most })
}

/** This relay's receipt for a batch, when it has signed for it. */
export function receiptOf(store: RelayStore, manifest: string): OwnReceipt | undefined {
  return queriesOf(store).receipt.get({ manifest })
}

/** The laptop has these receipts on its disk. */
export function markReturned(hold: Hold, given: OwnReceipt[]): void {
  const signedFor = JSON.stringify(given.map(({ manifest }) => manifest))
  const mark = 'UPDATE receipts SET returned = 1 WHERE manifest IN (SELECT value FROM json_each(?))'
  withoutSync(hold, ({ $client }) => prepared($client, mark).run(signedFor))
}

function sign(hold: Hold, batch: BatchRow, giver: Giver, at: string): Promise<SignedDocument> {
  return signDocument(
    'custody',
    {
      ...{ v: 1, study: hold.trust.study, manifest: batch.digest, hop: 1, prev: batch.digest },
      ...{ from: giver.device, by: hold.device, at, peerAt: giver.at, head: giver.head },
    },
    hold.signer,
  )
}

function storeReceipt(store: RelayStore, { digest, producer }: BatchRow, at: string, jws: string): OwnReceipt {
  const { giveReceipt, takeAboard } = queriesOf(store)
  giveReceipt.run({ digest, producer, jws, at })
  takeAboard.run({ digest })
  const stored = receiptOf(store, digest)
  if (!stored) throw new WaybillError('STORAGE_FAILED', `the receipt for batch ${digest} was not stored`)
  return stored
}

type Queries = ReturnType<typeof prepareQueries>
const known = new WeakMap<RelayStore, Queries>()

/** What is asked for every batch is prepared once: building a query costs more than running it. */
function queriesOf(store: RelayStore): Queries {
  const queries = known.get(store) ?? prepareQueries(store)
  known.set(store, queries)
  return queries
}

function prepareQueries(store: RelayStore) {
  const given = (name: string) => sql.placeholder(name)
  const isThis = eq(manifests.digest, given('digest'))
  const isOpen = inArray(manifests.state, ['pulling', 'quarantined'])
  return {
    batch: store.select().from(manifests).where(isThis).prepare(),
    note: store
      .insert(manifests)
      .values({
        ...{ digest: given('digest'), producer: given('producer'), chain: given('chain'), seq: given('seq') },
        ...{ previous: given('previous'), jws: given('jws'), changes: given('changes') },
        ...{ payloadDigest: given('payloadDigest'), payloadSize: given('payloadSize') },
        ...{ state: given('state'), code: given('code'), why: given('why') },
      })
      .onConflictDoUpdate({
        target: manifests.digest,
        set: {
          ...{ state: sql`excluded.state`, code: sql`excluded.code`, why: sql`excluded.why` },
          pruned: sql`CASE WHEN excluded.state = 'pulling' THEN 0 ELSE pruned END`,
        },
      })
      .returning()
      .prepare(),
    receipt: store
      .select()
      .from(receipts)
      .where(eq(receipts.manifest, given('manifest')))
      .prepare(),
    unreturned: store
      .select()
      .from(receipts)
      .where(and(eq(receipts.producer, given('producer')), sql`returned = 0`))
      .limit(given('most'))
      .prepare(),
    giveReceipt: store
      .insert(receipts)
      .values({ manifest: given('digest'), producer: given('producer'), jws: given('jws'), at: given('at') })
      .onConflictDoNothing()
      .prepare(),
    takeAboard: store
      .update(manifests)
      .set({ state: 'aboard', code: null, why: null })
      .where(and(isThis, isOpen))
      .prepare(),
  }
}
