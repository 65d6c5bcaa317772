import { sql } from 'drizzle-orm'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { RelayStore } from './open-store.ts'

/**
 * Marks what the receipt covers as delivered. It names one batch, at its highest number: where another one is here in that place, its
 * chain has forked, and what the receipt counts may be of the other branch. Where two batches claim one number it does not say which of
 * them it means. In either case none is called delivered. Call it inside a commit.
 */
export function coverBatches(store: RelayStore, receipt: DeliveryReceipt): void {
  if (namesAnother(store, receipt)) return
  const { producer, chain, through, above } = receipt
  const cover = prepared(
    store.$client,
    `UPDATE manifests SET state = 'delivered', code = NULL, why = NULL
     WHERE producer = ? AND chain = ? AND seq BETWEEN ? AND ? AND state IN ('pulling', 'aboard', 'forwarded')
       AND NOT EXISTS (SELECT 1 FROM manifests AS other WHERE other.producer = manifests.producer
         AND other.chain = manifests.chain AND other.seq = manifests.seq AND other.digest <> manifests.digest)`,
  )
  for (const [first, last] of [[1, through], ...above]) cover.run(producer, chain, first, last)
}

function namesAnother(store: RelayStore, { producer, chain, through, throughDigest }: DeliveryReceipt): boolean {
  const here = prepared<[string, string, number], { digest: string }>(
    store.$client,
    'SELECT digest FROM manifests WHERE producer = ? AND chain = ? AND seq = ?',
  ).all(producer, chain, through)
  return here.length > 0 && here.every(({ digest }) => digest !== throughDigest)
}

/**
 * A server began another incarnation: what its older lives signed for does not count any more, and is offered again.
 * The old receipts stay as proof. Call it inside a commit.
 * @returns the chains that lost a receipt; receipts of other servers may still cover them
 */
export function uncoverBatches(
  store: RelayStore,
  server: string,
  nonce: string,
): { producer: string; chain: string }[] {
  const chains = store.all<{ producer: string; chain: string }>(sql`
    update deliveries set current = 0 where server = ${server} and nonce <> ${nonce} and current = 1
    returning producer, chain`)
  for (const { producer, chain } of chains) resetChain(store, producer, chain)
  resetForwarded(store, server)
  return chains
}

/** Of one chain: what was delivered or forwarded is again only aboard, or still to be pulled. */
export function resetChain(store: RelayStore, producer: string, chain: string): void {
  store.run(sql`
    update manifests set state = case
      when pruned = 1 then 'forwarded'
      when exists (select 1 from receipts where manifest = digest) then 'aboard'
      else 'pulling' end
    where producer = ${producer} and chain = ${chain} and state in ('forwarded', 'delivered')`)
}

function resetForwarded(store: RelayStore, server: string): void {
  store.run(sql`
    update manifests set state = 'aboard'
    where state = 'forwarded' and pruned = 0
      and digest in (select manifest from server_receipts where by = ${server})`)
}
