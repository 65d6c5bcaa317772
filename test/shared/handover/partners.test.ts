import t from 'tap'
import type { Asked, AskedSignature } from '../../../shared/handover/desk.ts'
import { begun, line, settle, type TwoDesks, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain: AskedSignature = { pin: null, agrees: true, remark: null }
const thabo = { id: 'thabo', name: 'THABO' }
const three = { tubes: 3, isDrawn: 'Yes' }

/** A handover that both signed, with one tube and then three of one requisition in the hand. */
async function closedOne(two: TwoDesks): Promise<string> {
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  taker.desk.act(id, scan('REQ0002'))
  taker.desk.act(id, { kind: 'count', line: line('2'), tubes: 3 })
  await taker.desk.sign(id, plain)
  await settle(two, id)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  return id
}

/** What a server signed for is erased here, as the driver's program does. */
function erase({ taker }: TwoDesks): void {
  for (const sql of [
    'DELETE FROM desk_acts',
    'DELETE FROM desk_revisions',
    'UPDATE desk_handovers SET wiped = 1, told = 1',
  ])
    taker.store.$client.exec(sql)
}

t.test('tubes stay aboard from the first scan until a server has signed for what was signed here', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2', { fields: three }), line('3'), line('4')])
  const { giver, taker } = two
  const aboard = () => taker.desk.partners().map((partner) => partner.aboard)
  t.strictSame(aboard(), [0])
  const id = await closedOne(two)
  t.strictSame(aboard(), [4], 'counted, though no handover is open')
  const second = await begun(two)
  t.strictSame(aboard(), [4])
  taker.desk.act(second, scan('REQ0003'))
  t.strictSame(aboard(), [5], 'with what is in the hand now')
  taker.desk.act(second, { kind: 'undo' })
  t.strictSame(aboard(), [4])
  t.strictSame(
    giver.desk.partners().map((partner) => partner.aboard),
    [0],
    "they are on the driver's laptop",
  )
  taker.store.$client.prepare("UPDATE desk_revisions SET receipt = 'r' WHERE handover = ?").run(id)
  t.strictSame(aboard(), [0], 'a server has it')
  taker.desk.takeShift(thabo)
  await taker.desk.sign(id, plain)
  t.strictSame(aboard(), [0], 'who signs once more brings no tube back aboard')
})

t.test('the last closed handover with that laptop, on both sides, also while the next one is open', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2', { fields: three }), line('3')])
  const { giver, taker } = two
  t.match(taker.desk.partners(), [{ isHere: true, last: null }])
  const id = await closedOne(two)
  for (const { desk } of [giver, taker])
    t.match(desk.partners(), [
      {
        ...{ open: null, signed: 'no', counts: null, expected: 1 },
        last: { id, signed: 'both', tubes: 4, counts: { present: 2, notYetScanned: 1 }, signatures: [{}, {}] },
      },
    ])
  const next = await begun(two)
  for (const { desk } of [giver, taker])
    t.match(desk.partners(), [{ open: { id: next }, openLabels: ['REQ0003'], last: { id } }])
  const newest = taker.desk.begin(giver.device)
  t.equal(newest, next)
  await taker.desk.sign(next, plain)
  taker.desk.close(next)
  t.match(taker.desk.partners(), [{ last: { id: next, signed: 'one', tubes: 0 } }], 'the newest of them')
})

t.test('what nobody signed is no last handover', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  await taker.desk.sign(id, plain)
  taker.desk.close(id)
  await begun(two)
  t.equal(giver.desk.view(id).isClosed, true)
  t.match(giver.desk.partners(), [{ last: null }])
  t.match(taker.desk.partners(), [{ last: { id } }])
})

t.test('unverified on the road, confirmed later by the same person with a PIN: verified wins', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2', { fields: three })])
  const { giver, taker } = two
  taker.desk.takeShift(thabo)
  const id = await closedOne(two)
  const signed = () => taker.desk.partners()[0]?.last?.signatures.filter(({ by }) => by === taker.device)
  t.match(signed(), [{ person: thabo, verified: false }])
  await taker.desk.setPin('2468', null)
  await t.rejects(taker.desk.sign(id, { ...plain, pin: '1111' }), { code: 'PIN_REFUSED' })
  const { revisions } = await taker.desk.sign(id, { ...plain, pin: '2468' })
  t.equal(revisions.length, 1, 'nothing new is written down')
  t.equal(signed()?.length, 1)
  t.match(signed(), [{ person: thabo, verified: true, revision: 1 }])
  await settle(two, id)
  t.match(
    giver.desk.view(id).revisions[0]?.signatures.find(({ by }) => by === taker.device),
    { verified: true },
    'the other laptop learns of it',
  )
})

t.test('erased since a server has it: the signatures are shown, and one can still be confirmed', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2', { fields: three })])
  const { taker } = two
  taker.desk.takeShift(thabo)
  const id = await closedOne(two)
  erase(two)
  t.match(taker.desk.partners(), [
    { aboard: 0, last: { id, signed: 'both', counts: null, tubes: null, signatures: [{}, {}] } },
  ])
  await taker.desk.setPin('2468', null)
  await t.rejects(
    taker.desk.sign(id, plain),
    { code: 'HANDOVER_CLOSED' },
    'there is nothing to see that could be signed',
  )
  taker.desk.takeShift({ id: 'neo', name: 'NEO' })
  await taker.desk.setPin('1357', null)
  await t.rejects(taker.desk.sign(id, { ...plain, pin: '1357' }), { code: 'HANDOVER_CLOSED' }, 'nor by another person')
  taker.desk.takeShift(thabo)
  const { bareSignatures, signed, isClosed } = await taker.desk.sign(id, { ...plain, pin: '2468' })
  t.match({ signed, isClosed }, { signed: 'both', isClosed: true })
  t.match(
    bareSignatures.filter(({ by }) => by === taker.device),
    [{ person: thabo, verified: true, revision: 1 }],
  )
  t.equal(bareSignatures.length, 2)
})

t.test('what is told of partners is worked out again after every change, and only then', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { taker } = two
  const once = taker.desk.partners()
  t.equal(taker.desk.partners(), once, 'nothing has changed')
  taker.lines.push(line('2'))
  t.match(taker.desk.partners(), [{ expected: 2 }], 'a line came')
  const id = await begun(two)
  t.match(taker.desk.partners(), [{ open: { id }, counts: { present: 0 } }])
  taker.desk.act(id, scan('REQ0002'))
  t.match(taker.desk.partners(), [{ counts: { present: 1 } }])
})
