import type { DeliveryReceipt } from './delivery-receipt.ts'

type Span = [number, number]

/** Whether the receipt says that this batch was delivered. */
export function covers(receipt: Pick<DeliveryReceipt, 'through' | 'above'>, seq: number): boolean {
  return seq <= receipt.through || receipt.above.some(([first, last]) => seq >= first && seq <= last)
}

/**
 * What to do with a delivery receipt of the same server and chain: the higher incarnation counts, and in one incarnation the
 * one that covers more. The same number with another nonce alarms; then the lower `through` counts.
 */
export function judgeDelivery(held: DeliveryReceipt | undefined, shown: DeliveryReceipt): 'take' | 'keep' | 'alarm' {
  if (!held) return 'take'
  const { number, nonce } = held.incarnation
  if (shown.incarnation.number !== number) return shown.incarnation.number > number ? 'take' : 'keep'
  if (shown.incarnation.nonce !== nonce) return 'alarm'
  return extent(shown) > extent(held) || shown.safeThrough > held.safeThrough ? 'take' : 'keep'
}

/** The numbers from 1 to `upTo` that are neither in `through` nor in the ranges `above`, as ranges. */
export function missingRanges(through: number, above: readonly Span[], upTo: number): Span[] {
  const missing: Span[] = []
  let next = through + 1
  for (const [first, last] of above.toSorted(([a], [b]) => a - b)) {
    if (first > upTo) break
    if (first > next) missing.push([next, first - 1])
    next = Math.max(next, last + 1)
  }
  if (next <= upTo) missing.push([next, upTo])
  return missing
}

/** Ascending numbers as ranges, both ends included. */
export function rangesOf(seqs: Iterable<number>): Span[] {
  const ranges: Span[] = []
  for (const seq of seqs) {
    const last = ranges.at(-1)
    if (last && seq === last[1] + 1) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

function extent({ through, above }: DeliveryReceipt): number {
  return above.reduce((sum, [first, last]) => sum + last - first + 1, through)
}
