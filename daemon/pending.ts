import { stat } from 'node:fs/promises'
import { WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import type { DaemonStore } from './open-store.ts'

/** A batch that no delivery covers, as a courier is told of it. */
export interface PendingBatch {
  position: number
  manifest: string
}

/** What no delivery covers and nobody has signed for yet, or what some courier already carries. */
export function pendingBatches(store: DaemonStore, carried: boolean, after: number, limit: number): PendingBatch[] {
  return store.$client
    .prepare<[number, number, number], PendingBatch>(
      `SELECT position, manifest FROM batches
       WHERE delivered = 0 AND pruned = 0 AND carried = ? AND position > ? ORDER BY position LIMIT ?`,
    )
    .all(carried ? 1 : 0, after, limit)
}

/** Whether a batch's payload must be on this disk. */
export function isServed(store: DaemonStore, digest: string): boolean {
  return payloadSize(store, digest) !== undefined
}

/** A sealed payload on this disk. */
export interface ServedFile {
  path: string
  size: number
}

/**
 * A payload that may be served; undefined where there is none.
 * @throws STORAGE_FAILED when this disk lost it: whoever reads on would only see the connection break
 */
export async function servedFile(
  store: DaemonStore,
  payloads: PayloadStore,
  digest: string,
): Promise<ServedFile | undefined> {
  const size = payloadSize(store, digest)
  if (size === undefined) return undefined
  const path = payloads.pathOf(digest)
  const stored = await stat(path).catch(() => undefined)
  if (stored?.size === size) return { path, size }
  throw new WaybillError('STORAGE_FAILED', stored ? `${path} has ${stored.size} bytes, not ${size}` : `${path} is gone`)
}

function payloadSize(store: DaemonStore, digest: string): number | undefined {
  return store.$client
    .prepare<[string], { size: number }>(
      'SELECT payload_size size FROM batches WHERE payload_digest = ? AND pruned = 0',
    )
    .get(digest)?.size
}
