import { readDocument } from '../shared/crypto/read-document.ts'
import type { BatchRun, DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { readFact } from './facts.ts'
import { digestAt } from './followers.ts'
import { lifeOf } from './lives.ts'
import type { DaemonStore } from './open-store.ts'
import { runningMinutes } from './running-minutes.ts'

/** Whose batch a receipt names at its highest number. `unknown`: this disk has none there, nor a proof of which it is. */
export function whatItNames(
  store: DaemonStore,
  { chain, through, throughDigest }: DeliveryReceipt,
): 'ours' | 'another' | 'unknown' {
  if (through === 0) return 'ours'
  const digest = digestAt(store, chain, through)
  if (digest === undefined || throughDigest === null) return 'unknown'
  return digest === throughDigest ? 'ours' : 'another'
}

/** The runs above a gap whose last batch is our own: then all of it is. */
export function ownRuns(store: DaemonStore, { chain, above }: DeliveryReceipt): BatchRun[] {
  return above.filter(([, last, digest]) => digestAt(store, chain, last) === digest)
}

/**
 * The receipts that count for a chain: of each server of the study, what its newest life says. Of two lives that claim one number,
 * the one that says less.
 */
export function receiptsInForce(store: DaemonStore, chain: string): DeliveryReceipt[] {
  const servers: string[] | undefined = JSON.parse(readFact(store, 'servers') ?? 'null') ?? undefined
  const inForce = new Map<string, DeliveryReceipt>()
  for (const { jws } of prepared<[string], { jws: string }>(
    store.$client,
    'SELECT jws FROM deliveries WHERE chain = ? ORDER BY server, nonce',
  ).all(chain)) {
    const receipt = readDocument(jws, 'delivery').document
    const { server, incarnation } = receipt
    const held = inForce.get(server)
    if (servers?.includes(server) === false || incarnation.number < (lifeOf(store, server)?.number ?? 0)) continue
    if (!held || saysLess(receipt, held)) inForce.set(server, receipt)
  }
  return [...inForce.values()]
}

/**
 * Counts a chain anew from the receipts in force: what one of them covers is delivered, and what none covers is pending again. The
 * retention window of what stays safe goes on. Costs what is pending or changes, not what was. Call it inside a transaction.
 */
export function recountChain(store: DaemonStore, chain: string): void {
  const receipts = receiptsInForce(store, chain).filter((receipt) => whatItNames(store, receipt) === 'ours')
  const through = Math.max(0, ...receipts.map((receipt) => receipt.through))
  const safeThrough = Math.max(0, ...receipts.map((receipt) => Math.min(receipt.safeThrough, receipt.through)))
  const covered = JSON.stringify([[1, through], ...receipts.flatMap((receipt) => ownRuns(store, receipt))])
  const isCovered = `EXISTS (SELECT 1 FROM json_each(?) span WHERE seq BETWEEN span.value ->> 0 AND span.value ->> 1)`
  const client = store.$client
  prepared(
    client,
    `UPDATE batches SET delivered = 0 WHERE chain = ? AND seq > ? AND delivered = 1 AND NOT ${isCovered}`,
  ).run(chain, through, covered)
  // The plus keeps to the index of what is pending.
  prepared(client, `UPDATE batches SET delivered = 1 WHERE delivered = 0 AND +chain = ? AND ${isCovered}`).run(
    chain,
    covered,
  )
  prepared(client, 'UPDATE batches SET safe = 0, safe_at_minute = NULL WHERE chain = ? AND seq > ? AND safe = 1').run(
    chain,
    safeThrough,
  )
  prepared(
    client,
    'UPDATE batches SET safe = 1, safe_at_minute = ? WHERE pruned IN (0, 1) AND safe = 0 AND +chain = ? AND +seq <= ?',
  ).run(runningMinutes(store), chain, safeThrough)
}

/** Counts every chain anew; what only a void receipt called carried is nobody's again. Call it inside a transaction. */
export function recountAll(store: DaemonStore): void {
  const chains = prepared<[], { chain: string }>(store.$client, 'SELECT chain FROM chains').all()
  for (const { chain } of chains) recountChain(store, chain)
  prepared(
    store.$client,
    `UPDATE batches SET carried = 0 WHERE delivered = 0 AND carried = 1 AND NOT EXISTS
       (SELECT 1 FROM custody_receipts held WHERE held.manifest_digest = batches.manifest_digest AND held.void = 0)`,
  ).run()
}

function saysLess(shown: DeliveryReceipt, held: DeliveryReceipt): boolean {
  if (shown.incarnation.number !== held.incarnation.number) return shown.incarnation.number > held.incarnation.number
  return shown.through < held.through || (shown.through === held.through && shown.safeThrough < held.safeThrough)
}
