import { existsSync } from 'node:fs'
import { deviceOf, type Identity, signerOf } from '../shared/crypto/identity.ts'
import { signDocument } from '../shared/crypto/sign-document.ts'
import type { CustodyReceipt } from '../shared/protocol/custody-receipt.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { checkPlace, takePlace } from './chain.ts'
import { appendHops } from './hops.ts'
import { reopen } from './lost-payload.ts'
import type { ServerStore } from './open-store.ts'
import { checkOwnPlace } from './own-place.ts'
import type { Brought } from './verify-brought.ts'

/** What signing for batches needs to know. */
export interface SignForContext {
  store: ServerStore
  identity: Identity
  shelf: StudyShelf
  payloads: PayloadStore
  clock: Clock
}

/** A batch that was verified and whose payload, where it was wanted, is on disk; with this server's receipt for it. */
interface Signed extends Brought {
  custody: string
}

/** This server's receipt for a batch that it holds. */
export function custodyOf(store: ServerStore, manifestDigest: string): string | undefined {
  return prepared<[string], { custody: string }>(
    store.$client,
    'SELECT custody FROM batches WHERE manifest_digest = ?',
  ).get(manifestDigest)?.custody
}

/**
 * Numbers batches and signs for them, all in one transaction; one that does not fit its chain takes none with it (invariant 8). A
 * batch that is here already is signed for with the same bytes, and the new path joins the tree (invariant 2).
 * @returns for each its receipt, which may be given now, or why it was refused
 * @throws DISK_FULL, STORAGE_FAILED: none is signed for
 */
export async function signFor(context: SignForContext, brought: Brought[]): Promise<(string | WaybillError)[]> {
  const signed: Signed[] = []
  for (const batch of brought) signed.push({ ...batch, custody: await signCustody(context, batch) })
  const { store } = context
  const commitOne = store.$client.transaction((batch: Signed) => commit(context, batch))
  const commitAll = store.$client.transaction(() => signed.map((batch) => refusalOr(() => commitOne(batch))))
  return commitAll.immediate()
}

/** A refusal is told; a database that fails takes all back. */
function refusalOr(act: () => string): string | WaybillError {
  try {
    return act()
  } catch (thrown) {
    const error = asWaybillError(thrown)
    if (error.status >= 500) throw error
    return error
  }
}

async function signCustody(
  { identity, clock }: SignForContext,
  { giver, batch, manifest, path }: Brought,
): Promise<string> {
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

/** A batch that is here already has only its payload back. */
function commit(
  { store, clock, shelf, identity, payloads }: SignForContext,
  { giver, manifest, path, custody }: Signed,
): string {
  const { document, digest, jws } = manifest
  const known = custodyOf(store, digest)
  if (known !== undefined) reopen(store, digest)
  else {
    // Another program on this directory may have swept it meanwhile, before a batch referred to it.
    if (!existsSync(payloads.pathOf(document.payload.digest)))
      throw new WaybillError('STORAGE_FAILED', `payload ${document.payload.digest} is gone again`)
    checkPlace(store, manifest, shelf.document.limits.producerBytes)
    // What this server itself seals now.
    if (giver === deviceOf(identity)) checkOwnPlace(store, document)
    prepared(
      store.$client,
      `INSERT INTO batches (manifest_digest, manifest, producer, chain, seq, previous, payload_digest, payload_size, changes,
         custody, ingested_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ingested')`,
    ).run(
      ...[digest, jws, document.producer, document.chain, document.seq, document.previous],
      ...[document.payload.digest, document.payload.size, document.changes, custody, clock.now().toISOString()],
    )
    takePlace(store, manifest, shelf.document)
  }
  appendHops(store, path, clock.now())
  return known ?? custody
}
