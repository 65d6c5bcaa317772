import { sql } from 'drizzle-orm'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Hold } from './open-store.ts'

const run = 500

/**
 * Removes payloads that a server has safely: a delivery receipt that counts covers the batch and its `safeThrough` has passed
 * it. Nothing else permits it. Manifests and receipts stay.
 * @returns how many were removed
 */
export async function prune(hold: Hold): Promise<number> {
  let removed = 0
  for (const { jws } of hold.store.all<{ jws: string }>(sql`select jws from deliveries where current = 1`)) {
    const { producer, chain, safeThrough } = readDocument(jws, 'delivery').document
    for (;;) {
      const rows = pruneRun(hold, producer, chain, safeThrough)
      for (const { payloadDigest, leaning } of rows) if (leaning === 0) await hold.payloads.remove(payloadDigest)
      removed += rows.length
      if (rows.length < run) break
    }
  }
  return removed
}

/** Marked first: a crash then leaves a file too many, never a batch that claims bytes it has not. */
function pruneRun(hold: Hold, producer: string, chain: string, safeThrough: number) {
  return hold.commit((store) =>
    store.all<{ payloadDigest: string; leaning: number }>(sql`
      update manifests set pruned = 1 where id in (
        select id from manifests
        where producer = ${producer} and chain = ${chain} and seq <= ${safeThrough}
          and state = 'delivered' and pruned = 0
        limit ${run})
      returning payloadDigest, (select count(*) from manifests as other
        where other.payloadDigest = manifests.payloadDigest and other.id <> manifests.id and other.pruned = 0) as leaning`),
  )
}
