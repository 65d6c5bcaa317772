import { newNonce } from '../shared/crypto/digest.ts'
import type { DeliveryReceipt, Incarnation } from '../shared/protocol/delivery-receipt.ts'
import { witness } from './chain.ts'
import { readFact, writeFact } from './facts.ts'
import type { ServerStore } from './open-store.ts'

/** Which life of this server's database this is; the first begins by itself. */
export function incarnation(store: ServerStore): Incarnation {
  const stored = readFact(store, 'incarnation')
  return stored === undefined ? begin(store, 1) : JSON.parse(stored)
}

/**
 * Shown delivery receipts with this server's own signature: one that says more than this database knows proves that the
 * database was restored. Then the next incarnation begins, and every chain's receipt is signed anew.
 * @returns whether a new incarnation began
 */
export function noticeRestore(store: ServerStore, device: string, shown: DeliveryReceipt[]): boolean {
  const now = incarnation(store)
  const own = shown.filter(({ server }) => server === device)
  // What it once delivered and has no more is a gap to be told of.
  for (const { producer, chain, through, above } of own)
    witness(store, producer, { chain, seq: Math.max(through, ...above.map(([, last]) => last)), unsealed: 0 })
  if (!own.some((receipt) => isAbove(store, now, receipt))) return false
  begin(store, Math.max(now.number, ...own.map((receipt) => receipt.incarnation.number)) + 1)
  return true
}

function isAbove(store: ServerStore, now: Incarnation, receipt: DeliveryReceipt): boolean {
  if (receipt.incarnation.number > now.number) return true
  if (receipt.incarnation.number < now.number) return false
  if (receipt.incarnation.nonce !== now.nonce) return true
  const chain = store.$client
    .prepare<[string, string], { through: number; safeThrough: number }>(
      'SELECT through, safe_through safeThrough FROM chains WHERE producer = ? AND chain = ?',
    )
    .get(receipt.producer, receipt.chain)
  return (
    receipt.through > (chain?.through ?? 0) ||
    receipt.safeThrough > (chain?.safeThrough ?? 0) ||
    isAnother(store, receipt) ||
    someAreGone(store, receipt)
  )
}

/** It once opened another batch under a number that it names: the database went back, and another came. */
function isAnother(store: ServerStore, { throughDigest, above }: DeliveryReceipt): boolean {
  const named = [...(throughDigest === null ? [] : [throughDigest]), ...above.map(([, , digest]) => digest)]
  const opened = store.$client.prepare("SELECT 1 FROM batches WHERE manifest_digest = ? AND state = 'opened'")
  return named.some((digest) => opened.get(digest) === undefined)
}

/** Ranges that it once signed as delivered and does not have. */
function someAreGone(store: ServerStore, { producer, chain, above }: DeliveryReceipt): boolean {
  const opened = store.$client.prepare<[string, string, number, number], { count: number }>(
    "SELECT count(DISTINCT seq) count FROM batches WHERE producer = ? AND chain = ? AND seq BETWEEN ? AND ? AND state = 'opened'",
  )
  return above.some(([first, last]) => (opened.get(producer, chain, first, last)?.count ?? 0) < last - first + 1)
}

function begin(store: ServerStore, number: number): Incarnation {
  const begun = { number, nonce: newNonce() }
  store.$client
    .transaction(() => {
      writeFact(store, 'incarnation', JSON.stringify(begun))
      // What an older life signed is not shown any more as this one's.
      store.$client.prepare('UPDATE chains SET delivery = NULL, gaps = NULL, dirty = 1').run()
    })
    .immediate()
  return begun
}
