import { prepared } from '../shared/storage/prepared.ts'
import type { ServerStore } from './open-store.ts'

/** In SQL: batches whose payload this server's disk lost before it was opened. `code` is null for most. */
export const isLost = "state = 'quarantined' AND coalesce(code, '') IN ('NOT_FOUND', 'DIGEST_MISMATCH')"

/** Whether this server's disk lost what it has signed for: then whoever has it brings it again. */
export function lacksPayload(store: ServerStore, manifestDigest: string): boolean {
  return (
    prepared(store.$client, `SELECT 1 FROM batches WHERE manifest_digest = ? AND ${isLost}`).get(manifestDigest) !==
    undefined
  )
}

/** Its payload is here again: it waits to be opened. */
export function reopen(store: ServerStore, manifestDigest: string): void {
  prepared(
    store.$client,
    `UPDATE batches SET state = 'ingested', code = NULL, message = NULL WHERE manifest_digest = ? AND ${isLost}`,
  ).run(manifestDigest)
}
