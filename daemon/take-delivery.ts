import { readDocument } from '../shared/crypto/read-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import { judgeDelivery } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt, Incarnation } from '../shared/protocol/delivery-receipt.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { receiptsInForce, recountAll, recountChain, whatItNames } from './cover.ts'
import { noteLife } from './lives.ts'
import type { DaemonStore } from './open-store.ts'

/**
 * Takes a delivery receipt for one of our chains, if it says more than the one held of the same life of the server: then the
 * batches that it covers are delivered. It must name our own batch at its highest number: one that names another, because this
 * disk or the server's was restored, covers nothing here.
 * @returns whether it covers something now
 * @throws BATCH_CONFLICT when the chain forked, or when two lives of one server claim one number (then the lower `through`
 * counts); what follows from the receipt is stored all the same
 */
export function takeDelivery(store: DaemonStore, device: string, { document, jws }: Verified<'delivery'>): boolean {
  if (document.producer !== device) return false
  takeLife(store, document.server, document.incarnation)
  const { covers, problem } = store.$client.transaction(() => take(store, document, jws)).immediate()
  if (problem !== undefined) throw new WaybillError('BATCH_CONFLICT', problem)
  return covers
}

/** A server told in which life it is, in a document about whatever producer: a newer one resets what older ones covered. */
export function takeLife(store: DaemonStore, server: string, incarnation: Incarnation): void {
  store.$client
    .transaction(() => {
      if (noteLife(store, server, incarnation) === 'newer') recountAll(store)
    })
    .immediate()
}

function take(store: DaemonStore, shown: DeliveryReceipt, jws: string): { covers: boolean; problem?: string } {
  const { chain, server, incarnation, through } = shown
  const life = noteLife(store, server, incarnation)
  if (life === 'older') return { covers: false }
  const alarm = life === 'rival' ? { problem: `two servers claim incarnation ${incarnation.number}` } : {}
  const held = heldOf(store, shown)
  const named = whatItNames(store, shown)
  const heldNames = held && whatItNames(store, held)
  // One that covers our batches is not given up for one that covers nothing, however much it says.
  const isBetter = heldNames === named || !held ? judgeDelivery(held, shown) !== 'keep' : named === 'ours'
  if (isBetter) put(store, shown, jws)
  else if (named !== 'another') return { covers: false, ...alarm }
  recountChain(store, chain)
  if (named === 'another') return { covers: false, problem: `the server has another batch ${through} of this chain` }
  const isOfThisLife = (receipt: DeliveryReceipt) =>
    receipt.server === server && receipt.incarnation.nonce === incarnation.nonce
  const counts = receiptsInForce(store, chain).some(isOfThisLife)
  return { covers: named === 'ours' && counts, ...alarm }
}

/** What the same life of the server said before. */
function heldOf(store: DaemonStore, { chain, server, incarnation }: DeliveryReceipt): DeliveryReceipt | undefined {
  return prepared<[string, string], { jws: string }>(
    store.$client,
    'SELECT jws FROM deliveries WHERE chain = ? AND server = ?',
  )
    .all(chain, server)
    .map(({ jws }) => readDocument(jws, 'delivery').document)
    .find((receipt) => receipt.incarnation.nonce === incarnation.nonce)
}

function put(store: DaemonStore, { chain, server, incarnation }: DeliveryReceipt, jws: string): void {
  prepared(store.$client, 'INSERT OR REPLACE INTO deliveries (chain, server, nonce, jws) VALUES (?, ?, ?, ?)').run(
    chain,
    server,
    incarnation.nonce,
    jws,
  )
}
