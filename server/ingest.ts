import { deviceOf, type Identity, signerOf } from '../shared/crypto/identity.ts'
import { signDocument } from '../shared/crypto/sign-document.ts'
import type { Trust, Verified } from '../shared/crypto/trust.ts'
import type { BatchHead } from '../shared/protocol/batch-frame.ts'
import type { CustodyReceipt, Head } from '../shared/protocol/custody-receipt.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { checkPlace, isHeld } from './chain.ts'
import { appendHops } from './hops.ts'
import type { ServerStore } from './open-store.ts'

/** What taking a batch in needs to know. */
export interface IngestContext {
  store: ServerStore
  payloads: PayloadStore
  identity: Identity
  trust: Trust
  shelf: StudyShelf
  clock: Clock
}

/**
 * Takes a batch from whoever brings it: verified, on disk, hashed again, numbered and signed for, in that order (invariant 4).
 * A batch that is here already is signed for with the same bytes, and the new path joins the tree (invariant 2).
 * @param giver the device that brings it
 * @returns this server's custody receipt
 * @throws what is wrong with it; nothing of it is kept then
 */
export async function ingest(
  context: IngestContext,
  giver: string,
  batch: BatchHead,
  payload: Buffer,
): Promise<string> {
  const { store, trust, payloads } = context
  await trust.admitAll(batch.credentials)
  const manifest = await trust.verify(batch.manifest, 'manifest')
  checkProducer(manifest)
  const path = await verifyPath(trust, manifest, batch.path, giver)
  const known = custodyOf(store, manifest.digest)
  if (known !== undefined) {
    appendHops(store, path)
    return known
  }
  checkPlace(store, manifest, context.shelf.document.limits.producerBytes)
  await storePayload(payloads, manifest.document, payload)
  const custody = await signCustody(context, manifest.digest, giver, path.at(-1), batch)
  return commit(context, manifest, path, custody)
}

/** This server's receipt for a batch that it holds. */
export function custodyOf(store: ServerStore, manifestDigest: string): string | undefined {
  return store.$client
    .prepare<[string], { custody: string }>('SELECT custody FROM batches WHERE manifest_digest = ?')
    .get(manifestDigest)?.custody
}

/** The giver's receipts, each signed by its holder, linked from the manifest to the giver without a break. */
export async function verifyPath(
  trust: Trust,
  manifest: { digest: string; document: { producer: string } },
  path: string[],
  giver: string,
): Promise<Verified<'custody'>[]> {
  const verified: Verified<'custody'>[] = []
  let [from, prev] = [manifest.document.producer, manifest.digest]
  for (const jws of path) {
    const receipt = await trust.verify(jws, 'custody')
    const { document, signer } = receipt
    const linked = document.hop === verified.length + 1 && document.prev === prev && document.from === from
    if (!linked || document.manifest !== manifest.digest || document.by !== signer.device)
      throw new WaybillError('PROVENANCE_BROKEN', `the custody receipt at hop ${verified.length + 1} does not follow`)
    verified.push(receipt)
    from = document.by
    prev = receipt.digest
  }
  if (from !== giver) throw new WaybillError('PROVENANCE_BROKEN', 'the giver is not the last holder')
  return verified
}

function checkProducer({ document, signer }: Verified<'manifest'>): void {
  if (document.producer !== signer.device)
    throw new WaybillError('SIGNATURE_INVALID', 'a manifest signed by another than its producer')
}

async function storePayload(payloads: PayloadStore, { payload }: Manifest, bytes: Buffer): Promise<void> {
  if (bytes.length !== payload.size)
    throw new WaybillError(
      'DIGEST_MISMATCH',
      `the payload has ${bytes.length} bytes, its manifest says ${payload.size}`,
    )
  if (!(await payloads.has(payload.digest))) await payloads.receive(payload.digest, payload.size, 0, [bytes])
}

async function signCustody(
  context: IngestContext,
  manifest: string,
  giver: string,
  last: Verified<'custody'> | undefined,
  { at, head }: Pick<BatchHead, 'at'> & { head: Head | null },
): Promise<string> {
  const { identity, clock } = context
  const receipt: CustodyReceipt = {
    v: 1,
    study: identity.study,
    manifest,
    hop: (last?.document.hop ?? 0) + 1,
    prev: last?.digest ?? manifest,
    from: giver,
    by: deviceOf(identity),
    at: clock.now().toISOString(),
    peerAt: at,
    head,
  }
  return (await signDocument('custody', receipt, signerOf(identity))).jws
}

/** One transaction; whoever committed the same batch first is repeated. */
function commit(
  context: IngestContext,
  manifest: Verified<'manifest'>,
  path: Verified<'custody'>[],
  custody: string,
): string {
  const { store, clock, shelf } = context
  const { document, digest, jws } = manifest
  return store.$client
    .transaction(() => {
      const known = custodyOf(store, digest)
      appendHops(store, path)
      if (known !== undefined) return known
      checkPlace(store, manifest, shelf.document.limits.producerBytes)
      const state = isHeld(store, document, shelf.document) ? 'held' : 'ingested'
      store.$client
        .prepare(
          `INSERT INTO batches (manifest_digest, manifest, producer, chain, seq, previous, payload_digest, payload_size, changes,
           custody, ingested_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[digest, jws, document.producer, document.chain, document.seq, document.previous, document.payload.digest],
          ...[document.payload.size, document.changes, custody, clock.now().toISOString(), state],
        )
      return custody
    })
    .immediate()
}
