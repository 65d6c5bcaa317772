import { readDocument } from '../shared/crypto/read-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import { judgeDelivery } from '../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { coverBatches, markForked, recountChain, whatItNames } from './cover.ts'
import type { DaemonStore } from './open-store.ts'

/**
 * Takes a delivery receipt for one of our chains, if it says more than the one in force: then the batches that it covers are
 * delivered. It must name our own batch at its highest number: one that names another, because this disk or the server's was
 * restored, covers nothing here. A new incarnation of the server replaces what its older ones said.
 * @returns whether it covers something now
 * @throws BATCH_CONFLICT when the chain forked, or when two lives of one server claim one number (then the lower `through`
 * counts); what follows from the receipt is stored all the same
 */
export function takeDelivery(store: DaemonStore, device: string, { document, jws }: Verified<'delivery'>): boolean {
  if (document.producer !== device) return false
  const { covers, problem } = store.$client.transaction(() => take(store, document, jws)).immediate()
  if (problem !== undefined) throw new WaybillError('BATCH_CONFLICT', problem)
  return covers
}

function take(store: DaemonStore, document: DeliveryReceipt, jws: string): { covers: boolean; problem?: string } {
  const { chain, server, incarnation, through } = document
  const before = inForce(store, chain, server)
  const judged = judgeDelivery(before, document)
  const alarm = judged === 'alarm' ? { problem: `two servers claim incarnation ${incarnation.number}` } : {}
  if (judged === 'keep' || (before && judged === 'alarm' && through >= before.through))
    return { covers: false, ...alarm }
  const isNewLife = before !== undefined && before.incarnation.nonce !== incarnation.nonce
  const named = whatItNames(store, document)
  if (named === 'ours' || isNewLife) putInForce(store, chain, server, jws)
  if (named === 'another') markForked(store, chain)
  if (named === 'another' || isNewLife) recountChain(store, chain)
  else if (named === 'ours') coverBatches(store, document)
  const fork = named === 'another' ? { problem: `the server has another batch ${through} of this chain` } : alarm
  return { covers: named === 'ours', ...fork }
}

function inForce(store: DaemonStore, chain: string, server: string): DeliveryReceipt | undefined {
  const held = store.$client
    .prepare<[string, string], { jws: string }>('SELECT jws FROM deliveries WHERE chain = ? AND server = ?')
    .get(chain, server)
  return held && readDocument(held.jws, 'delivery').document
}

function putInForce(store: DaemonStore, chain: string, server: string, jws: string): void {
  store.$client
    .prepare('INSERT OR REPLACE INTO deliveries (chain, server, jws) VALUES (?, ?, ?)')
    .run(chain, server, jws)
}
