import type { Identity } from '../shared/crypto/identity.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { Trust, type Verified } from '../shared/crypto/trust.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile } from '../shared/storage/durable-file.ts'
import { verifyCredentials } from '../shared/storage/verify-credentials.ts'
import { verifyShelf } from '../shared/storage/verify-shelf.ts'
import { publicKeysOf } from '../study/device-secrets.ts'
import { verifyHops, verifyOwn } from './hops.ts'
import { idHash } from './id-hash.ts'
import type { ServerStore } from './open-store.ts'
import { type ReadContext, readBatch } from './read-batch.ts'
import type { BadLine } from './read-documents.ts'
import { verifyChains } from './verify-chains.ts'
import { checkKept, verifyHandovers } from './verify-handovers.ts'
import { verifyRecords } from './verify-records.ts'
import { verifyReleases } from './verify-releases.ts'

/** What verifying needs to know. */
export interface VerifyContext extends ReadContext {
  store: ServerStore
  data: string
}

/** One batch as it is stored. */
interface StoredBatch {
  ordinal: number
  digest: string
  manifest: string
  custody: string
  producer: string
  chain: string
  seq: number
  previous: string | null
  payload: string
  size: number
  changes: number
  state: string
}

/**
 * Verifies again all that this server stores, from the authority's key alone: credentials, study documents, each batch's
 * manifest, place in its chain, payload on disk, custody tree and receipts, that every opened change is there as it was sealed, that what
 * waited for a person was opened by a signed decision, and every handover.
 * @param progress called with batches verified, of how many
 * @returns how many batches were verified
 * @throws at the first break, naming it
 */
export async function verifyServer(
  context: VerifyContext,
  progress: (done: number, of: number) => void,
): Promise<number> {
  const { store, identity, data } = context
  const trust = new Trust(identity.authorityKey)
  checkDatabase(store)
  await verifyCredentials(trust, identity, store)
  await checkKeys(identity)
  await verifyShelf(data, trust)
  const { of } = store.$client.prepare<[], { of: number }>('SELECT count(*) of FROM batches').get() ?? { of: 0 }
  const next = store.$client.prepare<[number], StoredBatch>(
    `SELECT ordinal, manifest_digest digest, manifest, custody, producer, chain, seq, previous, payload_digest payload,
     payload_size size, changes, state FROM batches WHERE ordinal > ? ORDER BY ordinal LIMIT 1`,
  )
  const fed = newestChange(store)
  let [done, found] = [0, 0]
  for (let batch = next.get(0); batch; batch = next.get(batch.ordinal)) {
    found += await naming(`batch ${batch.seq} of chain ${batch.chain.slice(0, 8)} (${batch.digest})`, () =>
      verifyBatch(context, trust, batch as StoredBatch, fed.newest),
    )
    done += 1
    progress(done, of)
  }
  checkStrays(store)
  if (found !== fed.count)
    throw new WaybillError(
      'PROVENANCE_BROKEN',
      `${fed.count - found} changes of the feed are not in the batches that they are said to come from`,
    )
  await verifyChains(context, trust)
  verifyRecords(store)
  await verifyReleases(context, trust)
  await verifyHandovers(store, trust)
  return done
}

/** How far the feed was when verifying began: the program may run. */
function newestChange({ $client }: ServerStore): { count: number; newest: number } {
  const counted = $client
    .prepare<[], { count: number; newest: number }>(
      'SELECT count(*) count, coalesce(max(position), 0) newest FROM changes',
    )
    .get()
  return counted ?? { count: 0, newest: 0 }
}

/** @returns how many changes up to `newest` are in the feed as this batch's */
async function verifyBatch(context: VerifyContext, trust: Trust, batch: StoredBatch, newest: number): Promise<number> {
  const { store, payloads, identity } = context
  const manifest = await trust.verify(batch.manifest, 'manifest')
  checkRow(batch, manifest)
  checkPrevious(context, manifest)
  await checkStoredFile(payloads.pathOf(manifest.document.payload.digest), manifest.document.payload)
  await verifyHops(store, trust, manifest, await verifyOwn(trust, identity, batch.custody))
  return batch.state === 'opened' ? verifyChanges(context, batch, newest) : 0
}

function checkRow(batch: StoredBatch, { digest, document, signer }: Verified<'manifest'>): void {
  const { producer, chain, seq, previous, payload, changes } = document
  const isSame =
    digest === batch.digest &&
    producer === batch.producer &&
    chain === batch.chain &&
    seq === batch.seq &&
    previous === batch.previous &&
    payload.digest === batch.payload &&
    payload.size === batch.size &&
    changes === batch.changes
  if (!isSame || signer.device !== producer)
    throw new WaybillError('PROVENANCE_BROKEN', 'the manifest is not of the place where it is stored')
}

function checkPrevious({ store }: VerifyContext, { document }: Verified<'manifest'>): void {
  const { producer, chain, seq, previous } = document
  if ((seq === 1) !== (previous === null)) throw new WaybillError('CHAIN_BROKEN', 'it names a wrong predecessor')
  const before = store.$client
    .prepare<[string, string, number], { digest: string }>(
      'SELECT manifest_digest digest FROM batches WHERE producer = ? AND chain = ? AND seq = ?',
    )
    .all(producer, chain, seq - 1)
  if (before.length > 0 && !before.some(({ digest }) => digest === previous))
    throw new WaybillError('CHAIN_BROKEN', 'it does not follow the batch before it')
}

/**
 * Every change of the payload is in the feed once, found by its id and its content.
 * @returns how many of them, up to `newest`, the feed says to be this batch's; all batches together give all of the feed
 */
async function verifyChanges(
  context: VerifyContext,
  { ordinal, digest, manifest: jws }: StoredBatch,
  newest: number,
): Promise<number> {
  const { changes, bad, documents } = await readBatch(context, jws)
  verifyBadLines(context.store, digest, bad)
  checkKept(context.store, documents)
  const find = context.store.$client.prepare<[number, Buffer], { position: number; batch: number; number: number }>(
    'SELECT position, batch, number FROM changes WHERE id_hash = ? AND digest = ?',
  )
  let found = 0
  for (const { number, id, digest: content } of changes) {
    const [row, another] = find.all(idHash(id), Buffer.from(content, 'hex'))
    if (!row || another) throw new WaybillError('PROVENANCE_BROKEN', `change ${id} is not stored as it was sealed`)
    if (row.batch === ordinal && row.number === number && row.position <= newest) found += 1
  }
  return found
}

function verifyBadLines(store: ServerStore, digest: string, bad: BadLine[]): void {
  const badStored = store.$client
    .prepare('SELECT number, code, message FROM bad_lines WHERE manifest_digest = ? ORDER BY number')
    .all(digest)
  if (JSON.stringify(badStored) !== JSON.stringify(bad.map(({ number, code, message }) => ({ number, code, message }))))
    throw new WaybillError('PROVENANCE_BROKEN', 'a line that is no change is not stored as it was sealed')
}

function checkDatabase({ $client }: ServerStore): void {
  let found = ''
  try {
    found = String($client.pragma('integrity_check(1)', { simple: true }))
  } catch (cause) {
    throw new WaybillError('STORAGE_FAILED', 'the database is damaged', { cause })
  }
  if (found !== 'ok') throw new WaybillError('STORAGE_FAILED', `the database is damaged: ${found}`)
}

/** The keys that this device signs and opens with are those of its credential. */
async function checkKeys({ credential, secrets }: Identity): Promise<void> {
  const { document } = readDocument(credential, 'credential')
  const keys = await naming('identity.json', () => publicKeysOf(secrets))
  for (const key of ['signingKey', 'tlsKey', 'sealingKey'] as const)
    if (keys[key] !== document[key])
      throw new WaybillError('CREDENTIAL_REFUSED', `identity.json: the ${key} is not the one of the credential`)
}

/** What claims to come from a batch comes from one that is here, and of changes, from one that was opened. */
function checkStrays({ $client }: ServerStore): void {
  const isHere = (place: string, more = '') => `EXISTS (SELECT 1 FROM batches b WHERE b.${place}${more})`
  const isOpened = " AND b.state = 'opened'"
  const strays = {
    changes: { batch: 's.batch', rule: isHere('ordinal = s.batch', isOpened) },
    bad_lines: { batch: 's.manifest_digest', rule: isHere('manifest_digest = s.manifest_digest', isOpened) },
    hops: { batch: 's.manifest_digest', rule: isHere('manifest_digest = s.manifest_digest') },
  }
  for (const [table, { batch, rule }] of Object.entries(strays)) {
    const stray = $client
      .prepare<[], { batch: string | number }>(`SELECT ${batch} batch FROM ${table} s WHERE NOT ${rule} LIMIT 1`)
      .get()
    if (stray) throw new WaybillError('PROVENANCE_BROKEN', `${table}: one of batch ${stray.batch} comes from nowhere`)
  }
}
