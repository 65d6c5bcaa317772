import { sql } from 'drizzle-orm'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { RelayStore } from './open-store.ts'

/**
 * Marks what the receipt is known to mean as delivered: each batch that it names, and what that one follows, link by link, as far as
 * it is here. What only has a number that the receipt counts may be of another branch than the one it names, and which one a server
 * has opened only that server knows: `askAfter` asks it. Call it inside a commit.
 */
export function coverBatches(
  store: RelayStore,
  { producer, chain, through, throughDigest, above }: DeliveryReceipt,
): void {
  const cover = prepared(
    store.$client,
    `WITH RECURSIVE run AS (
       SELECT digest, previous, seq, producer, chain FROM manifests WHERE digest = ? AND seq = ? AND producer = ? AND chain = ?
       UNION ALL
       SELECT before.digest, before.previous, before.seq, before.producer, before.chain
       FROM run JOIN manifests AS before ON before.digest = run.previous
       WHERE run.seq > ? AND EXISTS (SELECT 1 FROM manifests AS open WHERE open.producer = run.producer
         AND open.chain = run.chain AND open.seq < run.seq AND open.state <> 'delivered'))
     UPDATE manifests SET state = 'delivered', code = NULL, why = NULL
     WHERE digest IN (SELECT digest FROM run) AND state <> 'delivered'`,
  )
  for (const [first, last, digest] of [[1, through, throughDigest] as const, ...above])
    cover.run(digest, last, producer, chain, first)
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
