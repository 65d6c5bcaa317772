import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import { Trust, type Verified } from '../shared/crypto/trust.ts'
import { covers } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile } from '../shared/storage/durable-file.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { verifyCredentials } from '../shared/storage/verify-credentials.ts'
import { verifyShelf } from '../shared/storage/verify-shelf.ts'
import { whatItNames } from './cover.ts'
import type { DaemonStore } from './open-store.ts'

/** What verifying needs to know. */
export interface VerifyContext {
  data: string
  identity: Identity
  store: DaemonStore
  payloads: PayloadStore
}

interface StoredBatch {
  position: number
  digest: string
  manifest: string
  chain: string
  seq: number
  pruned: number
}

/**
 * Verifies again all that this laptop stores, from the authority's key alone: credentials, study documents, each batch's manifest,
 * place and payload, and every receipt.
 * @param progress called with batches verified, of how many
 * @returns how many batches were verified
 * @throws at the first break, naming it
 */
export async function verifyLaptop(
  { data, identity, store, payloads }: VerifyContext,
  progress: (done: number, of: number) => void,
): Promise<number> {
  const trust = new Trust(identity.authorityKey)
  await verifyCredentials(trust, identity, store)
  await verifyShelf(data, trust)
  const { of } = store.$client.prepare<[], { of: number }>('SELECT count(*) of FROM batches').get() ?? { of: 0 }
  const next = store.$client.prepare<[number], StoredBatch>(
    `SELECT position, manifest_digest digest, manifest, chain, seq, pruned FROM batches
     WHERE position > ? ORDER BY position LIMIT 1`,
  )
  let done = 0
  let before: StoredBatch | undefined
  for (let batch = next.get(0); batch; batch = next.get(batch.position)) {
    const [stored, last] = [batch, before]
    await naming(`batch ${batch.seq} of chain ${batch.chain.slice(0, 8)} (${batch.digest})`, async () => {
      const manifest = await trust.verify(stored.manifest, 'manifest')
      checkPlace(stored, manifest, last, deviceOf(identity))
      const { payload } = manifest.document
      if (stored.pruned === 0) await checkStoredFile(payloads.pathOf(payload.digest), payload)
      await verifyCustody(store, trust, manifest.digest)
    })
    before = batch
    done += 1
    progress(done, of)
  }
  await verifyDeliveries(store, trust)
  return done
}

function checkPlace(
  stored: StoredBatch,
  { digest, document, signer }: Verified<'manifest'>,
  before: StoredBatch | undefined,
  device: string,
): void {
  const { chain, seq, previous, producer } = document
  const isOwn = signer.device === device && producer === device
  if (!isOwn || digest !== stored.digest || chain !== stored.chain || seq !== stored.seq)
    throw new WaybillError('PROVENANCE_BROKEN', 'the manifest is not of the place where it is stored')
  const expected = before?.chain === chain ? before.digest : null
  if (previous !== expected || (before?.chain === chain ? seq !== before.seq + 1 : seq !== 1))
    throw new WaybillError('CHAIN_BROKEN', 'it does not follow the batch before it')
}

async function verifyCustody(store: DaemonStore, trust: Trust, manifest: string): Promise<void> {
  const rows = store.$client
    .prepare<[string], { jws: string; by: string }>('SELECT jws, by FROM custody_receipts WHERE manifest_digest = ?')
    .all(manifest)
  for (const { jws, by } of rows) {
    const { document, signer } = await trust.verify(jws, 'custody')
    if (document.manifest !== manifest || document.by !== by || signer.device !== by)
      throw new WaybillError('SIGNATURE_INVALID', 'a custody receipt is not for this batch or not of its holder')
  }
}

/** Every receipt in force verifies, and every batch that is called delivered is covered by one of them. */
async function verifyDeliveries(store: DaemonStore, trust: Trust): Promise<void> {
  const rows = store.$client.prepare<[], { chain: string; jws: string }>('SELECT chain, jws FROM deliveries').all()
  const proven: DeliveryReceipt[] = []
  for (const { chain, jws } of rows) {
    const { document } = await naming(`the delivery receipt of chain ${chain.slice(0, 8)}`, () =>
      trust.verify(jws, 'delivery'),
    )
    if (whatItNames(store, document) === 'ours') proven.push(document)
  }
  const delivered = store.$client
    .prepare<[], { chain: string; seq: number }>('SELECT chain, seq FROM batches WHERE delivered = 1')
    .iterate()
  for (const { chain, seq } of delivered)
    if (!proven.some((receipt) => receipt.chain === chain && covers(receipt, seq)))
      throw new WaybillError(
        'PROVENANCE_BROKEN',
        `batch ${seq} of chain ${chain.slice(0, 8)} is called delivered by no receipt`,
      )
}
