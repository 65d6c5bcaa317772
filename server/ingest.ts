import { dirname } from 'node:path'
import { SqliteError } from 'better-sqlite3'
import { deviceOf, type Identity, signerOf } from '../shared/crypto/identity.ts'
import { signDocument } from '../shared/crypto/sign-document.ts'
import type { Trust, Verified } from '../shared/crypto/trust.ts'
import type { BatchHead } from '../shared/protocol/batch-frame.ts'
import type { CustodyReceipt } from '../shared/protocol/custody-receipt.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { syncPath } from '../shared/storage/durable-file.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { checkPlace, takePlace } from './chain.ts'
import { appendHops } from './hops.ts'
import { lacksPayload, reopen } from './lost-payload.ts'
import type { ServerStore } from './open-store.ts'
import { checkOwnPlace } from './own-place.ts'
import { Turns } from './turns.ts'

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
 * @throws what is wrong with it; nothing of it is kept then. LOCKED for what this server sealed itself, where another came first
 */
export async function ingest(
  context: IngestContext,
  giver: string,
  batch: BatchHead,
  payload: Buffer,
): Promise<string> {
  const { trust, payloads } = context
  await trust.admitAll(batch.credentials)
  const manifest = await trust.verify(batch.manifest, 'manifest')
  checkProducer(manifest)
  const path = await verifyPath(trust, manifest, batch.path, giver)
  // Two couriers may bring one payload at once: one of them at a time writes it and commits, or removes it again.
  return turns.take(payloads.pathOf(manifest.document.payload.digest), () =>
    take(context, { giver, batch, payload, manifest, path }),
  )
}

/** What has been verified of a batch that someone brings. */
interface Brought {
  giver: string
  batch: BatchHead
  payload: Buffer
  manifest: Verified<'manifest'>
  path: Verified<'custody'>[]
}

const turns = new Turns()

async function take(context: IngestContext, brought: Brought): Promise<string> {
  const { store, payloads, shelf, clock } = context
  const { payload, manifest, path } = brought
  const known = custodyOf(store, manifest.digest)
  if (known !== undefined && !lacksPayload(store, manifest.digest)) {
    store.$client.transaction(() => appendHops(store, path, clock.now())).immediate()
    return known
  }
  if (known === undefined) checkPlace(store, manifest, shelf.document.limits.producerBytes)
  const isHere = await payloads.has(manifest.document.payload.digest)
  try {
    await storePayload(payloads, manifest.document, payload, isHere)
    return commit(context, brought, known ?? (await signCustody(context, brought)))
  } catch (error) {
    // What the database itself threw is not certain, and what this server sealed nobody brings again.
    const mayStand = isOwn(context, brought) && error instanceof SqliteError
    if (!isHere && !mayStand) await payloads.remove(manifest.document.payload.digest)
    throw error
  }
}

/** This server itself seals it now. */
function isOwn({ identity }: IngestContext, { giver }: Brought): boolean {
  return giver === deviceOf(identity)
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

/** A file that a broken-off ingest left may not have reached the disk: it is hashed and made to. */
async function storePayload(
  payloads: PayloadStore,
  { payload }: Manifest,
  bytes: Buffer,
  isHere: boolean,
): Promise<void> {
  if (bytes.length !== payload.size)
    throw new WaybillError(
      'DIGEST_MISMATCH',
      `the payload has ${bytes.length} bytes, its manifest says ${payload.size}`,
    )
  await payloads.receive(payload.digest, payload.size, 0, [bytes])
  if (!isHere) return
  const path = payloads.pathOf(payload.digest)
  await syncPath(path)
  await syncPath(dirname(path))
}

async function signCustody(context: IngestContext, { giver, batch, manifest, path }: Brought): Promise<string> {
  const { identity, clock } = context
  const last = path.at(-1)
  const receipt: CustodyReceipt = {
    v: 1,
    study: identity.study,
    manifest: manifest.digest,
    hop: (last?.document.hop ?? 0) + 1,
    prev: last?.digest ?? manifest.digest,
    from: giver,
    by: deviceOf(identity),
    at: clock.now().toISOString(),
    peerAt: batch.at,
    // Only a producer can say it of itself; a courier's word is not signed for.
    head: last === undefined ? batch.head : null,
  }
  return (await signDocument('custody', receipt, signerOf(identity))).jws
}

/** One transaction; a batch that is here already has only its payload back. */
function commit(context: IngestContext, brought: Brought, custody: string): string {
  const { store, clock, shelf } = context
  const { manifest, path } = brought
  const { document, digest, jws } = manifest
  return store.$client
    .transaction(() => {
      if (custodyOf(store, digest) !== undefined) reopen(store, digest)
      else {
        checkPlace(store, manifest, shelf.document.limits.producerBytes)
        if (isOwn(context, brought)) checkOwnPlace(store, document)
        const code = takePlace(store, manifest, shelf.document) ?? null
        store.$client
          .prepare(
            `INSERT INTO batches (manifest_digest, manifest, producer, chain, seq, previous, payload_digest, payload_size, changes,
             custody, ingested_at, state, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          )
          .run(
            ...[digest, jws, document.producer, document.chain, document.seq, document.previous],
            ...[document.payload.digest, document.payload.size, document.changes, custody, clock.now().toISOString()],
            ...[code === null ? 'ingested' : 'held', code],
          )
      }
      appendHops(store, path, clock.now())
      return custody
    })
    .immediate()
}
