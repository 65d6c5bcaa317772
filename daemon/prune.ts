import type { PayloadStore } from '../shared/storage/payload-store.ts'
import type { DaemonStore } from './open-store.ts'
import { runningMinutes } from './running-minutes.ts'

/**
 * Deletes the payloads of batches that the server has *safely*, once the retention window has run (invariant 1). The window is
 * counted in hours that this program ran. Manifests and receipts stay.
 * @returns how many payloads were deleted
 */
export async function prune(store: DaemonStore, payloads: PayloadStore, retentionHours: number): Promise<number> {
  const client = store.$client
  const isDue = 'pruned = 0 AND safe = 1 AND delivered = 1 AND safe_at_minute <= ?'
  const before = runningMinutes(store) - retentionHours * 60
  const due = client
    .prepare<[number], { position: number; digest: string }>(
      `SELECT position, payload_digest digest FROM batches WHERE ${isDue} LIMIT 1000`,
    )
    .all(before)
  // A server may be found restored while files are removed: each batch is looked at again.
  const mark = client.prepare(`UPDATE batches SET pruned = 1 WHERE position = ? AND ${isDue}`)
  let removed = 0
  for (const { position, digest } of due) {
    if (mark.run(position, before).changes === 0) continue
    await payloads.remove(digest)
    removed += 1
  }
  return removed
}
