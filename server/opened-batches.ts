import { sha256 } from '../shared/crypto/digest.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Change } from '../shared/protocol/change.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import type { FeedContext } from './feed.ts'
import { readPlain } from './read-plain.ts'

/** Where the text of a change is. */
export interface TextPlace {
  position: number
  digest: Buffer
  batch: number
  number: number
}

/** A batch that was opened again. */
export interface OpenedBatch {
  digest: string
  producer: string
  chain: string
  seq: number
  ingestedAt: string
  lines: string[]
  bytes: number
}

const mostBytes = 16 * 1024 * 1024
const shelves = new WeakMap<object, Map<number, OpenedBatch>>()

/**
 * The text of a change, with the batch that holds it. Batches that were opened lately stay so, up to 16 MiB of plain text.
 * @throws NOT_FOUND, DIGEST_MISMATCH, PAYLOAD_REFUSED for a batch that this disk has lost or damaged since
 */
export async function textOf(context: FeedContext, place: TextPlace): Promise<{ change: Change; batch: OpenedBatch }> {
  const batch = await openedBatch(context, place.batch)
  const line = batch.lines[place.number - 1]
  if (line === undefined || sha256(line) !== place.digest.toString('hex'))
    throw new WaybillError(
      'STORAGE_FAILED',
      `the change at place ${place.position} is not line ${place.number} of batch ${batch.digest}`,
    )
  // It was checked when it was opened, and is the same by its digest.
  return { change: JSON.parse(line) as Change, batch }
}

async function openedBatch(context: FeedContext, ordinal: number): Promise<OpenedBatch> {
  const { $client } = context.store
  const shelf = shelves.get($client) ?? new Map<number, OpenedBatch>()
  shelves.set($client, shelf)
  const batch = shelf.get(ordinal) ?? (await openAgain(context, ordinal))
  // The one that was asked for last stands last, and goes last.
  shelf.delete(ordinal)
  shelf.set(ordinal, batch)
  let bytes = [...shelf.values()].reduce((sum, one) => sum + one.bytes, 0)
  for (const [oldest, { bytes: freed }] of shelf) {
    if (bytes <= mostBytes || oldest === ordinal) break
    shelf.delete(oldest)
    bytes -= freed
  }
  return batch
}

async function openAgain(context: FeedContext, ordinal: number): Promise<OpenedBatch> {
  const batch = context.store.$client
    .prepare<[number], Omit<OpenedBatch, 'lines' | 'bytes'> & { jws: string }>(
      `SELECT manifest_digest digest, producer, chain, seq, ingested_at ingestedAt, manifest jws FROM batches WHERE ordinal = ?`,
    )
    .get(ordinal)
  if (!batch) throw new WaybillError('STORAGE_FAILED', `batch ${ordinal} is gone, and its changes are in the feed`)
  const { jws, ...rest } = batch
  const { plain, lines } = await naming(`batch ${batch.digest}`, () =>
    readPlain(context, readDocument(jws, 'manifest').document),
  )
  return { ...rest, lines: Array.from(lines, String), bytes: plain.length }
}
