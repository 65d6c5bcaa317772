import { readDocument } from '../shared/crypto/read-document.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { readFact, writeFact } from './facts.ts'
import type { DaemonStore } from './open-store.ts'
import { runningMinutes } from './running-minutes.ts'

/** Whose batch a receipt names at its highest number. `unknown`: this disk has none there. */
export function whatItNames(
  store: DaemonStore,
  { chain, through, throughDigest }: DeliveryReceipt,
): 'ours' | 'another' | 'unknown' {
  if (through === 0) return 'ours'
  const batch = store.$client
    .prepare<[string, number], { digest: string }>(
      'SELECT manifest_digest digest FROM batches WHERE chain = ? AND seq = ?',
    )
    .get(chain, through)
  if (!batch) return 'unknown'
  return batch.digest === throughDigest ? 'ours' : 'another'
}

/** Marks what the receipt covers as delivered, and as safe. What is above a gap names no batch: in a fork it covers nothing. */
export function coverBatches(store: DaemonStore, receipt: DeliveryReceipt): void {
  const { chain, through, above, safeThrough } = receipt
  if (whatItNames(store, receipt) !== 'ours') return
  const client = store.$client
  const deliver = client.prepare(
    'UPDATE batches SET delivered = 1 WHERE chain = ? AND seq BETWEEN ? AND ? AND delivered = 0',
  )
  deliver.run(chain, 1, through)
  if (!isForked(store, chain)) for (const [first, last] of above) deliver.run(chain, first, last)
  client
    .prepare('UPDATE batches SET safe = 1, safe_at_minute = ? WHERE chain = ? AND seq <= ? AND safe = 0')
    .run(runningMinutes(store), chain, Math.min(safeThrough, through))
}

/**
 * Counts a chain anew from the receipts in force: what none of them covers is pending again. The retention window of what stays
 * safe goes on.
 */
export function recountChain(store: DaemonStore, chain: string): void {
  const receipts = store.$client
    .prepare<[string], { jws: string }>('SELECT jws FROM deliveries WHERE chain = ?')
    .all(chain)
    .map(({ jws }) => readDocument(jws, 'delivery').document)
    .filter((receipt) => whatItNames(store, receipt) === 'ours')
  const safeThrough = Math.max(0, ...receipts.map((receipt) => Math.min(receipt.safeThrough, receipt.through)))
  store.$client.prepare('UPDATE batches SET delivered = 0 WHERE chain = ?').run(chain)
  store.$client
    .prepare('UPDATE batches SET safe = 0, safe_at_minute = NULL WHERE chain = ? AND seq > ?')
    .run(chain, safeThrough)
  for (const receipt of receipts) coverBatches(store, receipt)
}

/** Drops the receipts of servers that do not count any more, and counts every chain anew. One transaction. */
export function recountAll(store: DaemonStore, servers: string[]): void {
  const client = store.$client
  client
    .transaction(() => {
      client
        .prepare('DELETE FROM deliveries WHERE server NOT IN (SELECT value FROM json_each(?))')
        .run(JSON.stringify(servers))
      const chains = client.prepare<[], { chain: string }>('SELECT chain FROM chains').all()
      for (const { chain } of chains) recountChain(store, chain)
    })
    .immediate()
}

/** Two batches of one number exist: from now on only receipts that name our batch cover anything in this chain. */
export function markForked(store: DaemonStore, chain: string): void {
  writeFact(store, `forked:${chain}`, 'true')
}

function isForked(store: DaemonStore, chain: string): boolean {
  return readFact(store, `forked:${chain}`) !== undefined
}
