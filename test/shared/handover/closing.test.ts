import t from 'tap'
import type { Asked, AskedSignature } from '../../../shared/handover/desk.ts'
import type { Handover } from '../../../shared/protocol/handover.ts'
import { craftHandover } from '../../fixtures/craft-handover.ts'
import { begun, exchange, line, model, settle, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain: AskedSignature = { pin: null, agrees: true, remark: null }
const _key = (pk: string) => ({ model, pk })

t.test('what both signed must be of one number: who signed an older one of the same words signs again', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  taker.desk.act(id, scan('REQ0001'))
  await taker.desk.sign(id, plain)
  taker.desk.act(id, { kind: 'undo' })
  t.match(await taker.desk.sign(id, plain), { signed: 'differently', isClosed: false })
  await settle(two, id)
  const closed = await giver.desk.sign(id, plain)
  t.match(closed, { signed: 'both', isClosed: true })
  t.strictSame(
    closed.revisions.map(({ handover, signatures }) => [handover.revision, signatures.length]),
    [
      [3, 2],
      [2, 1],
      [1, 1],
    ],
  )
})

t.test('one laptop is dead: the driver ends it after one signature, and only then', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  t.throws(() => taker.desk.close(id), { code: 'BAD_REQUEST' }, 'nobody has signed')
  t.throws(() => giver.desk.close(id), { code: 'ROLE_REFUSED' })
  await taker.desk.sign(id, plain)
  t.match(taker.desk.close(id), { isClosed: true, signed: 'one', counts: { present: 1 } })
  t.strictSame(
    taker.desk.open().map((head) => head.id),
    [id],
    'the other laptop does not know',
  )
  t.equal(giver.desk.view(id).isClosed, false)
  await settle(two, id)
  t.match(giver.desk.view(id), { isClosed: true, signed: 'one', counts: { present: 1 } })
  t.strictSame([taker.desk.open(), giver.desk.open()], [[], []])
  t.match(
    await giver.desk.sign(id, plain),
    { signed: 'both', revisions: [{ signatures: [{}, {}] }] },
    'still, the other may sign',
  )
})

t.test('the driver never came back to it: the next handover ends it on the laptop too', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const first = await begun(two)
  taker.desk.act(first, scan('REQ0001'))
  await taker.desk.sign(first, plain)
  taker.desk.close(first)
  const second = taker.desk.begin(giver.device)
  await exchange(two, second)
  t.equal(giver.desk.view(first).isClosed, true)
  t.strictSame(
    giver.desk.open().map(({ id }) => id),
    [second],
  )
  await t.rejects(giver.desk.sign(first, plain), { code: 'HANDOVER_CLOSED' }, 'nobody signed it here')
})

t.test('an answer to a question from before the signature does not mean that it was heard', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  const answer = await giver.desk.answer(taker.device, taker.desk.ask(id))
  t.match(await taker.desk.sign(id, plain), { isClosed: true })
  await taker.desk.take(id, giver.device, answer)
  t.strictSame(
    taker.desk.open().map((head) => head.id),
    [id],
  )
  await settle(two, id)
  t.strictSame(taker.desk.open(), [])
  t.match(giver.desk.view(id), { signed: 'both' })
})

t.test('a newer revision that nobody signed says nothing', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  await taker.desk.sign(id, plain)
  await settle(two, id)
  await giver.desk.sign(id, plain)
  const { head } = taker.desk.ask(id)
  const [first] = giver.desk.view(id).revisions
  const next: Partial<Handover> = { ...head, revision: 2, previous: first?.digest ?? null }
  const { digest, jws } = await craftHandover({ giver: giver.enrolled, taker: taker.enrolled }, next)
  await giver.desk.answer(taker.device, { ...taker.desk.ask(id), documents: [jws] })
  t.match(giver.desk.view(id), {
    signed: 'both',
    isClosed: true,
    counts: { notYetScanned: 1 },
    revisions: [{ digest }, {}],
  })
})

t.test('a signature that could not close its lines was never given', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  giver.failure = new Error('the disk is full')
  await t.rejects(giver.desk.sign(id, plain), { message: 'the disk is full' })
  t.match(giver.desk.view(id), { signed: 'no', revisions: [] })
  await taker.desk.sign(id, plain)
  await settle(two, id)
  t.match(giver.desk.view(id), { signed: 'no', revisions: [{ signatures: [] }] }, 'nor was it taken')
  t.match(giver.refused[0], { message: 'the disk is full' })
  giver.failure = undefined
  await settle(two, id)
  t.match(giver.desk.view(id), { signed: 'one' }, 'it is offered until it is taken')
})

t.test("what is erased on the driver's laptop stays signed there", async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  await taker.desk.sign(id, plain)
  await settle(two, id)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  for (const sql of [
    'DELETE FROM desk_acts',
    'DELETE FROM desk_revisions',
    'UPDATE desk_handovers SET wiped = 1, told = 1',
  ])
    taker.store.$client.exec(sql)
  t.match(taker.desk.view(id), { tubes: [], signed: 'both', isClosed: true, revisions: [] })
  t.throws(() => taker.desk.ask(id), { code: 'NOT_FOUND' })
  await t.rejects(taker.desk.sign(id, plain), { code: 'HANDOVER_CLOSED' })
  t.strictSame(taker.desk.open(), [])
})
