import { setImmediate as nextRound } from 'node:timers/promises'
import type { Trust } from '../shared/crypto/trust.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { advance } from './advance.ts'
import type { BatchReader, Unsealed } from './batch-reader.ts'
import { heldFor } from './chain.ts'
import { writeFact } from './facts.ts'
import { keepChanges } from './keep-changes.ts'
import { keepHandovers } from './keep-handovers.ts'
import type { ServerStore } from './open-store.ts'
import { type ReadBatch, termsOf } from './read-batch.ts'
import { readDocuments } from './read-documents.ts'
import { standAsDecided } from './release-batches.ts'

/** What opening needs to know. */
export interface OpenContext {
  store: ServerStore
  shelf: StudyShelf
  trust: Trust
  reader: Pick<BatchReader, 'read'>
}

/** Batches whose turn came, and that were read. */
interface Turn {
  readable: Readable[]
  /** Why some of them wait on: this server's disk failed, and they are tried again. */
  failed: WaybillError | undefined
}

interface Waiting {
  ordinal: number
  digest: string
  jws: string
}

/** A batch that was read and found whole, to be stored. */
interface Readable extends Omit<Unsealed, 'documents'>, Pick<ReadBatch, 'documents'> {
  ordinal: number
  digest: string
  manifest: Manifest
}

/** Changes come under random keys: several batches in one transaction write each page of the index once. */
const mostAtOnce = 16
/** Read at one time: while one turn is stored, the next is read, and one more waits for its reader. */
const mostTurns = 3

/**
 * Opens all batches that wait, in the order in which they came: decrypted, decompressed, compared with what their manifests signed,
 * their changes stored, a few batches in one transaction. One that cannot be opened is set aside with its code and holds up no other
 * (invariant 8).
 * @param opened called after each transaction
 * @param letPass lets pass what goes before a transaction
 * @returns why some wait on: this server's disk or database failed, and they are tried again
 */
export async function openAll(
  context: OpenContext,
  opened: () => void,
  letPass: () => Promise<unknown> = nextRound,
): Promise<WaybillError | undefined> {
  const reading: Promise<Turn>[] = []
  let last = 0
  /** So that the thread that reads always has what to read next. */
  const readAhead = () => {
    while (reading.length < mostTurns) {
      const waiting = nextAfter(context.store, last)
      last = waiting.at(-1)?.ordinal ?? last
      if (waiting.length === 0) return
      const turn = readTurn(context, waiting)
      // Should it fail meanwhile, that is heard when its turn comes.
      turn.catch(() => undefined)
      reading.push(turn)
    }
  }
  let failed: WaybillError | undefined
  for (readAhead(); reading.length > 0; readAhead()) {
    const turn = await (reading.shift() as Promise<Turn>)
    // While this one is stored, nobody else has a turn: what came meanwhile is asked for before.
    readAhead()
    await letPass()
    failed ??= turn.failed ?? storeAll(context.store, turn.readable)
    opened()
  }
  return failed
}

function nextAfter({ $client }: ServerStore, after: number): Waiting[] {
  return $client
    .prepare<[number, number], Waiting>(
      `SELECT ordinal, manifest_digest digest, manifest jws FROM batches WHERE state = 'ingested' AND ordinal > ?
       ORDER BY ordinal LIMIT ?`,
    )
    .all(after, mostAtOnce)
}

async function readTurn(context: OpenContext, waiting: Waiting[]): Promise<Turn> {
  const turn: Turn = { readable: [], failed: undefined }
  for (const read of await Promise.all(waiting.map((batch) => readOne(context, batch)))) {
    if (read instanceof WaybillError) turn.failed ??= read
    else if (read) turn.readable.push(read)
  }
  return turn
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

/** @returns undefined for a batch that was set aside, the error where this server's disk failed */
async function readOne(
  context: OpenContext,
  { ordinal, digest, jws }: Waiting,
): Promise<Readable | WaybillError | undefined> {
  const { store, shelf, trust, reader } = context
  try {
    const { manifest, terms } = await termsOf(context, jws)
    const code = onDisk(() => heldFor(store, manifest, digest, shelf.document))
    if (code !== undefined) return void onDisk(() => setAside(store, digest, 'held', { code, message: null }))
    const read = await reader.read(manifest, terms)
    const { documents, bad } = await readDocuments(trust, read.documents, manifest)
    return { ordinal, digest, manifest, ...read, bad: [...read.bad, ...bad], documents }
  } catch (thrown) {
    const error = asWaybillError(thrown)
    // A disk that fails is not the batch's fault: it stays where it is and is tried again.
    if (error.code === 'DISK_FULL' || error.code === 'STORAGE_FAILED') return error
    setAside(store, digest, 'quarantined', error)
    return undefined
  }
}

/** All in one transaction; where that fails, each in its own, so that one holds up no other. @returns why some wait on */
function storeAll(store: ServerStore, batches: Readable[]): WaybillError | undefined {
  if (batches.length === 0) return undefined
  try {
    onDisk(() => commit(store, batches))
    return undefined
  } catch (error) {
    if (batches.length === 1) return asWaybillError(error)
    return batches.map((batch) => storeAll(store, [batch])).find((failed) => failed !== undefined)
  }
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

/** One transaction: changes, handovers, the lines that are neither, the states, and the chains' receipts to be signed anew. */
function commit(store: ServerStore, batches: Readable[]): void {
  const client = store.$client
  const open = client.prepare("UPDATE batches SET state = 'opened' WHERE manifest_digest = ? AND state = 'ingested'")
  const insertBad = client.prepare('INSERT INTO bad_lines VALUES (?, ?, ?, ?)')
  client
    .transaction(() => {
      const opened = batches.filter(({ digest }) => open.run(digest).changes > 0)
      keepChanges(store, opened)
      for (const { digest, manifest, bad, documents, requisitions } of opened) {
        for (const { number, code, message } of bad) insertBad.run(digest, number, code, message)
        keepHandovers(store, documents)
        checkLines(store, digest, manifest, requisitions)
        advance(store, manifest.producer, manifest.chain)
      }
    })
    .immediate()
}

/** What a laptop showed a courier must be what it sealed. */
function checkLines(store: ServerStore, digest: string, manifest: Manifest, found: string | undefined): void {
  const { studyVersion, requisitions } = manifest
  if (found === undefined)
    writeFact(store, `alarm:lines:version-${studyVersion}`, 'requisition lines of this study version cannot be checked')
  else if (found !== requisitions.digest)
    writeFact(store, `alarm:lines:${digest}`, 'the requisition lines that travelled are not those of the payload')
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
  standAsDecided(store, digest)
}
