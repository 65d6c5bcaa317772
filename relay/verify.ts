import { eq, gt } from 'drizzle-orm'
import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import { Trust } from '../shared/crypto/trust.ts'
import { verifyDesk } from '../shared/handover/verify-desk.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile } from '../shared/storage/durable-file.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { verifyCredentials } from '../shared/storage/verify-credentials.ts'
import { verifyShelf } from '../shared/storage/verify-shelf.ts'
import type { RelayStore } from './open-store.ts'
import { deliveries, gaps, manifests, receipts, serverReceipts } from './schema.ts'

/** What verifying needs to know. */
export interface VerifyContext {
  data: string
  identity: Identity
  store: RelayStore
  payloads: PayloadStore
}

/**
 * Verifies again all that this relay stores, from the authority's key alone: credentials, study documents, each manifest, the
 * payload of each batch that it signed for, every receipt aboard, and every handover. It opens nothing: it cannot.
 * @param progress called with batches verified, of how many
 * @returns how many batches were verified
 * @throws at the first break, naming it
 */
export async function verifyRelay(
  context: VerifyContext,
  progress: (done: number, of: number) => void,
): Promise<number> {
  const { data, identity, store } = context
  const trust = new Trust(identity.authorityKey)
  await verifyCredentials(trust, identity, store)
  await verifyShelf(data, trust)
  const of = await store.$count(manifests)
  let done = 0
  for (let batch = nextBatch(store, 0); batch; batch = nextBatch(store, batch.id)) {
    const stored = batch
    await naming(`batch ${batch.seq} of chain ${batch.chain.slice(0, 8)} (${batch.digest})`, () =>
      verifyBatch(context, trust, stored),
    )
    done += 1
    progress(done, of)
  }
  await verifyAboard(store, trust)
  await verifyDesk(store.$client, trust)
  return done
}

type BatchRow = typeof manifests.$inferSelect

function nextBatch(store: RelayStore, after: number): BatchRow | undefined {
  return store.select().from(manifests).where(gt(manifests.id, after)).orderBy(manifests.id).limit(1).get()
}

async function verifyBatch({ identity, store, payloads }: VerifyContext, trust: Trust, batch: BatchRow): Promise<void> {
  const { digest, document, signer } = await trust.verify(batch.jws, 'manifest')
  const { producer, chain, seq } = document
  const isPlaced = digest === batch.digest && producer === batch.producer && chain === batch.chain && seq === batch.seq
  if (!isPlaced || signer.device !== producer)
    throw new WaybillError('PROVENANCE_BROKEN', 'the manifest is not of the place where it is stored')
  const receipt = store.select().from(receipts).where(eq(receipts.manifest, digest)).get()
  if (receipt) {
    const custody = await trust.verify(receipt.jws, 'custody')
    if (custody.document.manifest !== digest || custody.signer.device !== deviceOf(identity))
      throw new WaybillError('SIGNATURE_INVALID', "this relay's receipt is not for this batch")
    if (!batch.pruned) await checkStoredFile(payloads.pathOf(document.payload.digest), document.payload)
  }
  const ofServers = store.select().from(serverReceipts).where(eq(serverReceipts.manifest, digest)).all()
  for (const { jws, by } of ofServers) {
    const custody = await trust.verify(jws, 'custody')
    if (custody.document.manifest !== digest || custody.signer.device !== by)
      throw new WaybillError('SIGNATURE_INVALID', "a server's receipt is not for this batch")
  }
}

async function verifyAboard(store: RelayStore, trust: Trust): Promise<void> {
  for (const { jws, producer } of store.select().from(deliveries).all())
    await naming(`the delivery receipt for ${producer.slice(0, 8)}`, () => trust.verify(jws, 'delivery'))
  for (const { jws, producer } of store.select().from(gaps).all())
    await naming(`the gap notice for ${producer.slice(0, 8)}`, () => trust.verify(jws, 'gaps'))
}
