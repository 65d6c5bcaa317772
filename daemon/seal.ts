import { SqliteError } from 'better-sqlite3'
import { sha256 } from '../shared/crypto/digest.ts'
import { type Identity, signerOf } from '../shared/crypto/identity.ts'
import { type BatchPlace, makeBatch } from '../shared/crypto/make-batch.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { type SignedDocument, signDocument } from '../shared/crypto/sign-document.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { maxPlainBytes } from '../shared/protocol/payload.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { type CurrentChain, currentChain } from './chain.ts'
import type { DaemonStore } from './open-store.ts'
import { documentsToSeal, markSealed } from './seal-documents.ts'

/** What sealing needs to know. */
export interface SealContext {
  store: DaemonStore
  payloads: PayloadStore
  identity: Identity
  study: StudyDocument
  clock: Clock
}

/** More than the first line of a payload takes. */
const headBytes = 1024

interface OutboxRow {
  position: number
  line: string
  size: number
}

/**
 * Seals the oldest changes of the outbox into one batch, and signed handovers with them or alone. The payload is on disk before the
 * one transaction that numbers the batch, stores its signed manifest and erases the plain text; until then nobody can see it. Call
 * it single-flight.
 * @returns the number of changes and documents sealed; 0 when nothing waits
 * @throws LOCKED when another chain began meanwhile, or another program seals: nothing was sealed, and it can be tried again;
 * DISK_FULL; BAD_DOCUMENT when others could not read what would be signed. The changes stay in the outbox
 */
export async function sealBatch(context: SealContext): Promise<number> {
  const rows = takeRows(context.store, context.study)
  const bytes = rows.reduce((sum, { size }) => sum + size + 1, 0)
  const documents = documentsToSeal(context.store, maxPlainBytes - headBytes - bytes)
  if (rows.length + documents.length === 0) return 0
  const chain = currentChain(context.store)
  const lines = rows.map(({ line }) => line)
  const { manifest, sealed } = await makeBatch(context, nextPlace(chain), { lines, documents }, context.clock.now())
  await sparing(context.payloads, sealed, async () => {
    await context.payloads.put(sealed)
    const signed = await signDocument('manifest', manifest, signerOf(context.identity))
    readDocument(signed.jws, 'manifest')
    commit(context, chain, manifest, signed, rows)
  })
  return rows.length + documents.length
}

/**
 * Does it; where it certainly came to nothing, no payload stays behind. What the database itself threw is not certain: a commit
 * whose fsync failed may be found in the log after a power cut. So the payload stays until the next start knows better.
 */
async function sparing(payloads: PayloadStore, sealed: Buffer, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof SqliteError)) await payloads.remove(sha256(sealed))
    throw error
  }
}

function nextPlace({ chain, seq, digest, continues }: CurrentChain): BatchPlace {
  return { chain, seq: seq + 1, previous: digest, continues: seq === 0 ? continues : null }
}

function takeRows(store: DaemonStore, { limits }: StudyDocument): OutboxRow[] {
  const rows: OutboxRow[] = []
  let size = 0
  const oldest = store.$client.prepare<[number], OutboxRow>(
    'SELECT position, line, size FROM outbox ORDER BY position LIMIT ?',
  )
  for (const row of oldest.iterate(limits.batchChanges)) {
    size += row.size + 1
    if (rows.length > 0 && size > limits.batchBytes) break
    rows.push(row)
  }
  return rows
}

function commit(
  context: SealContext,
  chain: CurrentChain,
  manifest: Manifest,
  signed: SignedDocument,
  rows: OutboxRow[],
): void {
  const client = context.store.$client
  const erase = client.prepare('DELETE FROM outbox WHERE position BETWEEN coalesce(?, 0) AND coalesce(?, -1)')
  client
    .transaction(() => {
      const now = currentChain(context.store)
      const erased = erase.run(rows[0]?.position, rows.at(-1)?.position)
      if (now.chain !== chain.chain || now.seq !== chain.seq || erased.changes !== rows.length)
        throw new WaybillError('LOCKED', 'another chain began meanwhile, or another program seals this outbox')
      insertBatch(context.store, manifest, signed)
      markSealed(context.store, manifest.handovers, signed.digest)
    })
    .immediate()
}

function insertBatch(store: DaemonStore, manifest: Manifest, signed: SignedDocument): void {
  store.$client
    .prepare(
      `INSERT INTO batches (chain, seq, manifest_digest, manifest, payload_digest, payload_size, changes, sealed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      manifest.chain,
      manifest.seq,
      signed.digest,
      signed.jws,
      manifest.payload.digest,
      manifest.payload.size,
      manifest.changes,
      manifest.sealedAt,
    )
}
