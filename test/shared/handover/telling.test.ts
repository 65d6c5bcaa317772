import t from 'tap'
import type { Asked } from '../../../shared/handover/desk.ts'
import { begun, exchange, line, settle, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain = { pin: null, agrees: true, remark: null }

t.test('pages are told what changed, and when the other was heard only every five seconds', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  await settle(two, id)
  const during = async (happen: () => unknown) => {
    const before = [giver.told, taker.told]
    await happen()
    return [giver.told - (before[0] ?? 0), taker.told - (before[1] ?? 0)]
  }
  t.strictSame(await during(() => settle(two, id)), [0, 0], 'nothing that a page shows has changed')
  for (const { clock } of [giver, taker]) clock.running += 4_999
  t.strictSame(await during(() => exchange(two, id)), [0, 0])
  for (const { clock } of [giver, taker]) {
    clock.running += 1
    clock.time += 5_000
  }
  t.strictSame(await during(() => settle(two, id)), [1, 1], 'heardAt is five seconds old')
  t.equal(giver.desk.view(id).heardAt, giver.clock.now().toISOString())
  taker.desk.act(id, scan('REQ0001'))
  t.strictSame(await during(() => settle(two, id)), [1, 0], 'an act')
  taker.desk.takeShift({ id: null, name: 'Kagiso' })
  t.strictSame(await during(() => settle(two, id)), [1, 0], 'who is on shift over there')
  await giver.desk.sign(id, plain)
  t.strictSame(await during(() => settle(two, id)), [0, 1], 'a signature')
  taker.desk.close(id)
  t.strictSame(await during(() => settle(two, id)), [1, 0], 'the end')
})

t.test('what was erased from the disk is gone from memory as well', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  await taker.desk.sign(id, plain)
  await settle(two, id)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  t.match(taker.desk.partners(), [{ last: { signed: 'both' } }])
  for (const sql of ['DELETE FROM desk_acts', 'DELETE FROM desk_revisions']) taker.store.$client.exec(sql)
  const { seen } = taker.desk.ask(id)
  t.strictSame(seen, { [taker.device]: 1 }, 'memory still has it')
  taker.desk.forget([id])
  t.strictSame(taker.desk.ask(id).seen, {})
  t.equal(taker.desk.ask(id).have.length, 2, 'signatures stay')
  t.equal(taker.desk.view(id).heardAt, null)
})
