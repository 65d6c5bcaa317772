import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Asked } from '../../../shared/handover/desk.ts'
import { begun, exchange, line, settle, type TestDesk, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain = { pin: null, agrees: true, remark: null }
const lines = ['1', '2', '3', '4', '5', '6'].map((pk) => line(pk))

/** Keeps the disk as it is now. @returns the name of the copy */
function backUp({ enrolled, store }: TestDesk): string {
  store.$client.pragma('wal_checkpoint(TRUNCATE)')
  mkdirSync(join(enrolled.data, 'old-disk'))
  copyFileSync(join(enrolled.data, 'desk/waybill.sqlite'), join(enrolled.data, 'old-disk/waybill.sqlite'))
  return 'old-disk'
}

/** The tubes that were in a hand. */
function present({ desk }: TestDesk, id: string): string[] {
  const tubes = desk.view(id).tubes.filter(({ state }) => state === 'present')
  return tubes.map(({ label }) => label).sort()
}

function actsOf({ store }: TestDesk): unknown[] {
  return store.$client.prepare('SELECT act FROM desk_acts ORDER BY device, number').all()
}

for (const side of ['giver', 'taker'] as const)
  for (const again of [1, 2, 4])
    t.test(
      `the ${side}'s disk is restored in mid-handover, and ${again} acts come before the other is met`,
      async (t) => {
        const two = await twoDesks(t, lines)
        const id = await begun(two)
        const one = two[side]
        one.desk.act(id, scan('REQ0001'))
        await settle(two, id)
        const old = backUp(one)
        one.desk.act(id, scan('REQ0002'))
        one.desk.act(id, scan('REQ0003'))
        await settle(two, id)
        await one.reopen(old)
        t.strictSame(present(one, id), ['REQ0001'], 'it knows nothing of what came after')
        const reads = ['REQ0004', 'REQ0005', 'WAYBILL-UNDO', 'REQ0006'].slice(0, again)
        for (const read of reads) one.desk.act(id, scan(read))
        const expected = ['REQ0001', 'REQ0002', 'REQ0003', 'REQ0004']
        if (again === 2) expected.push('REQ0005')
        if (again === 4) expected.push('REQ0006')
        await settle(two, id)
        for (const both of [two.giver, two.taker]) {
          t.strictSame(present(both, id), expected)
          t.strictSame(both.refused, [])
        }
        t.strictSame(actsOf(two.giver), actsOf(two.taker), 'both have the same set')
        t.equal(two[side].desk.ask(id).seen[one.device], 3 + again, 'numbered without a gap')
        await two.taker.desk.sign(id, plain)
        await settle(two, id)
        await two.giver.desk.sign(id, plain)
        await settle(two, id)
        for (const { desk } of [two.giver, two.taker]) t.match(desk.view(id), { signed: 'both', isClosed: true })
      },
    )

t.test(
  'what a restored laptop signed before it met the other is kept, and settled by the next signature',
  async (t) => {
    const two = await twoDesks(t, lines)
    const { giver, taker } = two
    const id = await begun(two)
    const old = backUp(giver)
    giver.desk.act(id, scan('REQ0001'))
    await settle(two, id)
    await giver.reopen(old)
    giver.desk.act(id, scan('REQ0002'))
    await giver.desk.sign(id, plain)
    await settle(two, id)
    t.strictSame(
      [giver.refused, present(giver, id), present(taker, id)],
      [[], ['REQ0001', 'REQ0002'], present(giver, id)],
    )
    t.match(taker.desk.view(id), { signed: 'one', isChangedSince: true })
    await taker.desk.sign(id, plain)
    await settle(two, id)
    await giver.desk.sign(id, plain)
    await settle(two, id)
    t.match(taker.desk.view(id), { signed: 'both', isClosed: true })
  },
)

t.test('the same disk: nothing is done anew, and nothing is given before it was compared', async (t) => {
  const two = await twoDesks(t, lines)
  const { giver, taker } = two
  const id = await begun(two)
  giver.desk.act(id, scan('REQ0001'))
  await settle(two, id)
  await giver.reopen()
  giver.desk.act(id, scan('REQ0002'))
  const before = actsOf(giver)
  const first = await giver.desk.answer(taker.device, taker.desk.ask(id))
  t.strictSame([first.acts, first.seen], [[], {}])
  await taker.desk.take(id, giver.device, first)
  t.strictSame(
    taker.desk.ask(id).acts.map(({ number }) => number),
    [1],
    'it is told what it did',
  )
  await exchange(two, id)
  await exchange(two, id)
  t.strictSame([actsOf(giver), actsOf(taker)], [before, before])
})
