import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import { Trust, type Verified } from '../shared/crypto/trust.ts'
import { verifyDesk } from '../shared/handover/verify-desk.ts'
import { covers } from '../shared/protocol/coverage.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile } from '../shared/storage/durable-file.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { verifyCredentials } from '../shared/storage/verify-credentials.ts'
import { verifyShelf } from '../shared/storage/verify-shelf.ts'
import { ownRuns, receiptsInForce, whatItNames } from './cover.ts'
import { digestAt } from './followers.ts'
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
 * place and payload, every receipt and every handover.
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
  await verifyDeliveries(store, trust, deviceOf(identity))
  await verifyDesk(store.$client, trust)
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

/** Every receipt and every follower verifies, and what is called delivered or safe is covered by a receipt in force. */
async function verifyDeliveries(store: DaemonStore, trust: Trust, device: string): Promise<void> {
  const rows = store.$client.prepare<[], { chain: string; jws: string }>('SELECT chain, jws FROM deliveries').all()
  for (const { chain, jws } of rows)
    await naming(`a delivery receipt of chain ${chain.slice(0, 8)}`, async () => {
      const { document, signer } = await trust.verify(jws, 'delivery')
      if (document.server !== signer.device || document.producer !== device || document.chain !== chain)
        throw new WaybillError('SIGNATURE_INVALID', 'it is not of its server or not for this laptop')
    })
  await verifyFollowers(store, trust, device)
  const chains = store.$client.prepare<[], { chain: string }>('SELECT DISTINCT chain FROM batches').all()
  for (const { chain } of chains) checkCovered(store, chain)
}

async function verifyFollowers(store: DaemonStore, trust: Trust, device: string): Promise<void> {
  const rows = store.$client
    .prepare<[], { chain: string; seq: number; jws: string }>(
      'SELECT chain, seq, jws FROM followers ORDER BY chain, seq',
    )
    .all()
  for (const { chain, seq, jws } of rows)
    await naming(`the proof of batch ${seq} of chain ${chain.slice(0, 8)}`, async () => {
      const { document, signer } = await trust.verify(jws, 'manifest')
      const isOwn = document.producer === device && signer.device === device
      if (!isOwn || document.previous !== digestAt(store, chain, seq - 1))
        throw new WaybillError('CHAIN_BROKEN', 'it is not of this laptop or does not follow')
    })
}

function checkCovered(store: DaemonStore, chain: string): void {
  const proven = receiptsInForce(store, chain)
    .filter((receipt) => whatItNames(store, receipt) === 'ours')
    .map((receipt) => ({ ...receipt, above: ownRuns(store, receipt) }))
  const called = store.$client
    .prepare<[string], { seq: number; safe: number }>(
      'SELECT seq, safe FROM batches WHERE chain = ? AND delivered = 1 ORDER BY seq',
    )
    .iterate(chain)
  for (const { seq, safe } of called) {
    const receipts = proven.filter((receipt) => covers(receipt, seq))
    const isSafe = receipts.some(({ through, safeThrough }) => seq <= Math.min(through, safeThrough))
    if (receipts.length > 0 && (safe === 0 || isSafe)) continue
    const state = receipts.length === 0 ? 'delivered' : 'safe'
    throw new WaybillError(
      'PROVENANCE_BROKEN',
      `batch ${seq} of chain ${chain.slice(0, 8)} is called ${state} by no receipt`,
    )
  }
}
