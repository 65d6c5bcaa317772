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

/** The size of a payload that may be served. */
export function servedPayload(store: DaemonStore, digest: string): { size: number } | undefined {
  return store.$client
    .prepare<[string], { size: number }>(
      'SELECT payload_size size FROM batches WHERE payload_digest = ? AND pruned = 0',
    )
    .get(digest)
}
