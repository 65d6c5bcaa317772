import fc from 'fast-check'
import t from 'tap'
import { covers, judgeDelivery, missingRanges, rangesOf } from '../../../shared/protocol/coverage.ts'
import type { DeliveryReceipt } from '../../../shared/protocol/delivery-receipt.ts'

const seed = 20261124
const most = 40
const numbers = (upTo: number) => Array.from({ length: upTo }, (_, n) => n + 1)
const someNumbers = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 1, max: most }), { maxLength: most }),
  fc.nat(most).map(numbers),
)
const ascending = (set: Iterable<number>) => [...set].sort((a, b) => a - b)
const expand = (ranges: readonly [number, number][]) =>
  ranges.flatMap(([first, last]) => numbers(last).filter((seq) => seq >= first))

/** What a server that holds exactly these batches would say. */
function receiptOf(held: Set<number>, change: Partial<DeliveryReceipt> = {}): DeliveryReceipt {
  let through = 0
  while (held.has(through + 1)) through += 1
  return {
    ...{ v: 1, study: 'a'.repeat(64), producer: 'b'.repeat(32), chain: 'c'.repeat(32), through, throughDigest: null },
    above: rangesOf(ascending(held).filter((seq) => seq > through)).map(([first, last]) => [
      first,
      last,
      'f'.repeat(64),
    ]),
    ...{ safeThrough: 0, server: 'd'.repeat(32), at: '2026-11-24T08:00:00.000Z' },
    incarnation: { number: 1, nonce: 'e'.repeat(32) },
    ...change,
  }
}

const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { seed, numRuns: 500 })
const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

t.test('rangesOf: the same numbers, in the fewest ranges', async (t) => {
  check(
    fc.property(someNumbers, (set) => {
      const seqs = ascending(set)
      const ranges = rangesOf(seqs)
      const touching = ranges.some(([first], n) => n > 0 && first <= (ranges[n - 1]?.[1] ?? 0) + 1)
      return same(expand(ranges), seqs) && !touching && ranges.every(([first, last]) => first <= last)
    }),
  )
  t.strictSame(rangesOf([]), [])
  t.strictSame(rangesOf([1, 2, 3, 7]), [
    [1, 3],
    [7, 7],
  ])
})

t.test('missingRanges: exactly the numbers that a set does not hold, whatever the order of the ranges', async (t) => {
  check(
    fc.property(someNumbers, fc.nat(most + 5), fc.nat(), (set, upTo, shift) => {
      const held = new Set(set)
      const { through } = receiptOf(held)
      const above = rangesOf(ascending(held).filter((seq) => seq > through))
      const turned = [...above.slice(shift % (above.length + 1)), ...above.slice(0, shift % (above.length + 1))]
      const missing = missingRanges(through, turned, upTo)
      const expected = numbers(upTo).filter((seq) => !held.has(seq))
      return same(expand(missing), expected) && missing.every(([first, last]) => first <= last && last <= upTo)
    }),
  )
  t.strictSame(missingRanges(5, [[10, 12]], 3), [], 'nothing is missing below what is through, whatever is above')
  t.strictSame(
    missingRanges(
      2,
      [
        [2, 9],
        [3, 4],
      ],
      12,
    ),
    [[10, 12]],
    'a range inside another',
  )
})

t.test('covers: what the receipt says is delivered, and nothing else', async (t) => {
  check(
    fc.property(someNumbers, (set) => {
      const held = new Set(set)
      return numbers(most + 5).every((seq) => covers(receiptOf(held), seq) === held.has(seq))
    }),
  )
  t.pass(`seed ${seed}`)
})

/** The lives of an honest server: in each it only ever holds more, and each next life may begin with less. */
const lives = fc
  .array(fc.array(fc.tuple(someNumbers, fc.nat(4)), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 })
  .map((told) => told.flatMap(oneLife))

function oneLife(steps: [number[], number][], life: number): DeliveryReceipt[] {
  const held = new Set<number>()
  let safeThrough = 0
  return steps.map(([more, safer]) => {
    for (const seq of more) held.add(seq)
    const { through } = receiptOf(held)
    safeThrough = Math.min(through, safeThrough + safer)
    return receiptOf(held, { safeThrough, incarnation: { number: life + 1, nonce: `${life}`.repeat(32) } })
  })
}

t.test(
  'judgeDelivery: whatever the order in which couriers bring them, what the server said last counts',
  async (t) => {
    check(
      fc.property(lives, fc.infiniteStream(fc.nat(1000)), (receipts, dice) => {
        const shuffled = receipts
          .map((receipt) => ({ receipt, at: dice.next().value as number }))
          .sort((a, b) => a.at - b.at)
        let held: DeliveryReceipt | undefined
        for (const { receipt } of shuffled) {
          const verdict = judgeDelivery(held, receipt)
          if (verdict === 'alarm') return false
          if (verdict === 'take') held = receipt
        }
        const last = receipts.at(-1) as DeliveryReceipt
        return said(held) === said(last) && judgeDelivery(held, last) === 'keep'
      }),
    )
    t.pass(`seed ${seed}`)
  },
)

/** All of a receipt that anyone acts upon. */
function said(receipt: DeliveryReceipt | undefined): string {
  return JSON.stringify([receipt?.incarnation, receipt?.through, receipt?.above, receipt?.safeThrough])
}

t.test('judgeDelivery: one number with two nonces alarms, whichever came first', async (t) => {
  const [less, more] = [receiptOf(new Set([1])), receiptOf(new Set([1, 2]))]
  const twin = { ...more, incarnation: { number: 1, nonce: 'f'.repeat(32) } }
  t.equal(judgeDelivery(less, twin), 'alarm')
  t.equal(judgeDelivery(twin, less), 'alarm')
  t.equal(judgeDelivery(undefined, twin), 'take')
  t.equal(judgeDelivery(more, less), 'keep')
  t.equal(
    judgeDelivery(more, { ...less, incarnation: { number: 2, nonce: 'f'.repeat(32) } }),
    'take',
    'a restored server',
  )
})
