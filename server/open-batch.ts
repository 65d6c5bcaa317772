import { readDocument } from '../shared/crypto/read-document.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { linesDigest } from '../shared/specimens/derive-line.ts'
import { heldFor } from './chain.ts'
import { writeFact } from './facts.ts'
import type { ServerStore } from './open-store.ts'
import { type ReadBatch, type ReadContext, readBatch } from './read-batch.ts'

/** What opening needs to know. */
export interface OpenContext extends ReadContext {
  store: ServerStore
}

/** A batch whose turn came. */
export interface Turn {
  /** Its place in the order of arrival. */
  ordinal: number
  /** Why it waits on: this server's disk or database failed, and it is tried again. */
  failed?: WaybillError
}

/**
 * Opens the oldest batch that waits after this place: decrypted, decompressed, compared with what its manifest signed, its changes
 * stored. A batch that cannot be opened is set aside with its code and holds up no other (invariant 8).
 * @returns undefined when none waits
 */
export async function openNext(context: OpenContext, after = 0): Promise<Turn | undefined> {
  const { store } = context
  const next = store.$client
    .prepare<[number], { ordinal: number; digest: string; manifest: string }>(
      `SELECT ordinal, manifest_digest digest, manifest FROM batches WHERE state = 'ingested' AND ordinal > ?
       ORDER BY ordinal LIMIT 1`,
    )
    .get(after)
  if (!next) return undefined
  const { ordinal, digest } = next
  try {
    await openOne(context, digest, next.manifest)
    return { ordinal }
  } catch (thrown) {
    const error = asWaybillError(thrown)
    // A disk that fails is not the batch's fault: it stays where it is and is tried again.
    if (error.code === 'DISK_FULL' || error.code === 'STORAGE_FAILED') return { ordinal, failed: error }
    setAside(store, digest, 'quarantined', error)
    return { ordinal }
  }
}

/** What another version of this program could not open is tried again; call it when the program starts. */
export function tryAgain(store: ServerStore): void {
  store.$client
    .prepare(
      `UPDATE batches SET state = 'ingested', code = NULL, message = NULL
       WHERE state = 'quarantined' AND code IN ('UNEXPECTED', 'BAD_DOCUMENT')`,
    )
    .run()
}

async function openOne(context: OpenContext, digest: string, jws: string): Promise<void> {
  const { store, shelf } = context
  const { document } = readDocument(jws, 'manifest')
  const code = onDisk(() => heldFor(store, document, digest, shelf.document))
  if (code !== undefined) return onDisk(() => setAside(store, digest, 'held', { code, message: null }))
  const opened = await readBatch(context, document)
  onDisk(() => commit(store, digest, document, opened))
}

/** A database that refuses is never a batch's fault. */
function onDisk<T>(act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const { code, message } = asWaybillError(cause)
    throw new WaybillError(code === 'DISK_FULL' ? code : 'STORAGE_FAILED', message, { cause })
  }
}

/** One transaction: changes, the lines that are none, the state, and the chain's receipt to be signed anew. */
function commit(store: ServerStore, digest: string, manifest: Manifest, { changes, bad, lines }: ReadBatch): void {
  const client = store.$client
  const { producer, chain } = manifest
  const insert = client.prepare(
    'INSERT INTO changes (id, digest, producer, manifest_digest, line) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id, digest) DO NOTHING',
  )
  const insertBad = client.prepare('INSERT INTO bad_lines VALUES (?, ?, ?, ?, ?)')
  client
    .transaction(() => {
      const moved = client
        .prepare("UPDATE batches SET state = 'opened' WHERE manifest_digest = ? AND state = 'ingested'")
        .run(digest)
      if (moved.changes === 0) return
      for (const change of changes) insert.run(change.id, change.digest, producer, digest, change.line)
      for (const { number, code, message, line } of bad) insertBad.run(digest, number, code, message, line)
      checkLines(store, digest, manifest, lines)
      advance(store, producer, chain)
    })
    .immediate()
}

/** What a laptop showed a courier must be what it sealed. */
function checkLines(store: ServerStore, digest: string, manifest: Manifest, lines: ReadBatch['lines']): void {
  const { studyVersion, requisitions } = manifest
  if (lines === undefined)
    writeFact(store, `alarm:lines:version-${studyVersion}`, 'requisition lines of this study version cannot be checked')
  else if (linesDigest(lines).digest !== requisitions.digest)
    writeFact(store, `alarm:lines:${digest}`, 'the requisition lines that travelled are not those of the payload')
}

/** `through` grows over every batch that is opened without a gap, and never into a fork. */
function advance(store: ServerStore, producer: string, chain: string): void {
  const client = store.$client
  const isOpened = client.prepare(
    "SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND state = 'opened'",
  )
  const { through, forkAt } = client
    .prepare<[string, string], { through: number; forkAt: number | null }>(
      'SELECT through, fork_at forkAt FROM chains WHERE producer = ? AND chain = ?',
    )
    .get(producer, chain) ?? { through: 0, forkAt: null }
  let next = through + 1
  while ((forkAt === null || next < forkAt) && isOpened.get(producer, chain, next)) next += 1
  client
    .prepare('UPDATE chains SET through = ?, dirty = 1 WHERE producer = ? AND chain = ?')
    .run(next - 1, producer, chain)
}

function setAside(
  store: ServerStore,
  digest: string,
  state: 'held' | 'quarantined',
  { code, message }: { code: ErrorCode; message: string | null },
): void {
  store.$client
    .prepare("UPDATE batches SET state = ?, code = ?, message = ? WHERE manifest_digest = ? AND state = 'ingested'")
    .run(state, code, message, digest)
}
