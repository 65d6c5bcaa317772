import { readDocument } from '../shared/crypto/read-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import { judgeDelivery } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { DaemonStore } from './open-store.ts'
import { runningMinutes } from './running-minutes.ts'

/**
 * Takes a delivery receipt for one of our chains, if it says more than the one in force: then the batches that it covers are
 * delivered. A new incarnation of the server takes back what the old one covered and this one does not.
 * @throws BATCH_CONFLICT when two lives of one server claim one number; the lower `through` counts
 */
export function takeDelivery(store: DaemonStore, device: string, { document, jws }: Verified<'delivery'>): boolean {
  if (document.producer !== device) return false
  const { chain, server } = document
  const client = store.$client
  const held = client
    .prepare<[string, string], { jws: string }>('SELECT jws FROM deliveries WHERE chain = ? AND server = ?')
    .get(chain, server)
  const before = held && readDocument(held.jws, 'delivery').document
  const judged = judgeDelivery(before, document)
  const counts = judged === 'take' || (judged === 'alarm' && document.through < (before?.through ?? 0))
  client
    .transaction(() => {
      if (!counts) return
      client.prepare('INSERT OR REPLACE INTO deliveries (chain, server, jws) VALUES (?, ?, ?)').run(chain, server, jws)
      if (before && before.incarnation.nonce !== document.incarnation.nonce) takeBack(store, document)
      cover(store, document)
    })
    .immediate()
  if (judged === 'alarm')
    throw new WaybillError('BATCH_CONFLICT', `two servers claim incarnation ${document.incarnation.number}`)
  return counts
}

/** The new incarnation's word replaces the old one's: what it does not cover is pending again. */
function takeBack(store: DaemonStore, { chain, through, safeThrough }: DeliveryReceipt): void {
  const client = store.$client
  client.prepare('UPDATE batches SET delivered = 0 WHERE chain = ? AND seq > ?').run(chain, through)
  client
    .prepare('UPDATE batches SET safe = 0, safe_at_minute = NULL WHERE chain = ? AND seq > ?')
    .run(chain, safeThrough)
}

function cover(store: DaemonStore, { chain, through, above, safeThrough }: DeliveryReceipt): void {
  const client = store.$client
  const deliver = client.prepare(
    'UPDATE batches SET delivered = 1 WHERE chain = ? AND seq BETWEEN ? AND ? AND delivered = 0',
  )
  for (const [first, last] of [[1, through] as const, ...above]) deliver.run(chain, first, last)
  client
    .prepare('UPDATE batches SET safe = 1, safe_at_minute = ? WHERE chain = ? AND seq <= ? AND safe = 0')
    .run(runningMinutes(store), chain, safeThrough)
}
