import type { Incarnation } from '../shared/protocol/delivery-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { readFact, writeFact } from './facts.ts'
import type { DaemonStore } from './open-store.ts'

/** The newest life of a server that it told of, in whatever it signed, about whatever chain; undefined where it is not known. */
export function lifeOf(store: DaemonStore, server: string): Incarnation | undefined {
  return JSON.parse(readFact(store, `life:${server}`) ?? 'null') ?? undefined
}

/**
 * A server told in which life it is. `newer`: what it signed in older ones does not count any more, its custody receipts neither,
 * until it gives them again; chains of which the restored database knows nothing are never signed for anew. Count all chains again
 * then. `rival`: two lives claim one number. Call it inside a transaction.
 */
export function noteLife(
  store: DaemonStore,
  server: string,
  { number, nonce }: Incarnation,
): 'known' | 'newer' | 'older' | 'rival' {
  const known = lifeOf(store, server)
  if (known && number < known.number) return 'older'
  if (known?.number === number) return known.nonce === nonce ? 'known' : 'rival'
  writeFact(store, `life:${server}`, JSON.stringify({ number, nonce } satisfies Incarnation))
  if (!known) return 'known'
  prepared(store.$client, 'UPDATE custody_receipts SET void = 1 WHERE by = ?').run(server)
  return 'newer'
}
