import { type PayloadRequest, writePayloadHead } from '../shared/protocol/payload-frame.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { DaemonStore } from './open-store.ts'

/** A batch that no delivery covers, as a courier is told of it. */
export interface PendingBatch {
  position: number
  manifest: string
  /** Whether some courier has signed for it. */
  carried: boolean
}

/** What a courier was told of before, and how much it takes at once. */
export interface PendingQuery {
  /** The last position that it knows of what nobody carries, and of what somebody does. */
  after: number
  carriedAfter: number
  limit: number
}

/** What no delivery covers: first what nobody has signed for yet, then what some courier already carries. */
export function pendingBatches(store: DaemonStore, { after, carriedAfter, limit }: PendingQuery): PendingBatch[] {
  const listed = prepared<[number, number, number], Omit<PendingBatch, 'carried'>>(
    store.$client,
    `SELECT position, manifest FROM batches
       WHERE delivered = 0 AND pruned = 0 AND carried = ? AND position > ? ORDER BY position LIMIT ?`,
  )
  const first = listed.all(0, after, limit).map((batch) => ({ ...batch, carried: false }))
  const rest = listed.all(1, carriedAfter, limit - first.length).map((batch) => ({ ...batch, carried: true }))
  return [...first, ...rest]
}

/** Whether a batch's payload must be on this disk. */
export function isServed(store: DaemonStore, digest: string): boolean {
  return payloadSize(store, digest) !== undefined
}

/**
 * Payloads one after the other, each with its head line. What may not be served, or is not here as it was sealed, is told of as such:
 * the others go on (invariant 8).
 * @param lost is told what this disk lost
 */
export async function* serve(
  store: DaemonStore,
  payloads: PayloadStore,
  { digests, offset }: PayloadRequest,
  lost: (digest: string, error: WaybillError) => void,
): AsyncGenerator<Uint8Array> {
  for (const [index, digest] of digests.entries()) {
    const bytes = await served(store, payloads, digest, lost)
    const from = index === 0 && offset <= (bytes?.length ?? 0) ? offset : 0
    yield writePayloadHead({ digest, offset: from, size: bytes?.length ?? null })
    if (bytes && from < bytes.length) yield bytes.subarray(from)
  }
}

async function served(
  store: DaemonStore,
  payloads: PayloadStore,
  digest: string,
  lost: (digest: string, error: WaybillError) => void,
): Promise<Uint8Array | undefined> {
  const size = payloadSize(store, digest)
  if (size === undefined) return undefined
  try {
    const bytes = await payloads.read(digest)
    if (bytes.length === size) return bytes
    lost(digest, new WaybillError('STORAGE_FAILED', `payload ${digest} has ${bytes.length} bytes, not ${size}`))
  } catch (cause) {
    lost(digest, new WaybillError('STORAGE_FAILED', asWaybillError(cause).message, { cause }))
  }
  return undefined
}

function payloadSize(store: DaemonStore, digest: string): number | undefined {
  return prepared<[string], { size: number }>(
    store.$client,
    'SELECT payload_size size FROM batches WHERE payload_digest = ? AND pruned = 0',
  ).get(digest)?.size
}
