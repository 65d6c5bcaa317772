import type { Head } from '../shared/protocol/custody-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { ServerStore } from './open-store.ts'

/** Who met a device, when by their own clock, and what it said of itself. */
export interface Met {
  device: string
  by: string
  at: string
  head: Head | null
}

/**
 * Remembers the last meeting of a device with each that it met. What came before in its chain does not replace what came later, in
 * whatever order they are told; across chains, one clock's own word decides: this is shown to people, and nothing follows from it.
 */
export function noteMeeting(store: ServerStore, { device, by, at, head }: Met, now: Date): void {
  prepared(
    store.$client,
    `INSERT INTO meetings (device, by, at, heard_at, chain, seq, unsealed) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (device, by) DO UPDATE SET at = excluded.at, heard_at = excluded.heard_at, chain = excluded.chain,
         seq = excluded.seq, unsealed = excluded.unsealed
       WHERE CASE WHEN excluded.chain IS chain AND excluded.seq != seq THEN excluded.seq > seq ELSE excluded.at > at END`,
  ).run(device, by, at, now.toISOString(), head?.chain ?? null, head?.seq ?? 0, head?.unsealed ?? 0)
}
