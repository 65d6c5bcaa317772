import t from 'tap'
import type { AskedSignature } from '../../../shared/handover/desk.ts'
import type { PersonAct } from '../../../shared/protocol/handover.ts'
import { begun, line, settle, type TestDesk, twoDesks } from '../../fixtures/desks.ts'

const plain: AskedSignature = { pin: null, agrees: true, remark: null }
const thabo = { id: 'thabo', name: 'Thabo' }
const neo = { id: 'neo', name: 'Neo' }

/** What the documents here carry of one laptop's log, each act as `kind person`, sorted by when it was stored here. */
function carried({ store }: TestDesk, by: string): string[] {
  const rows = store.$client
    .prepare<[{ by: string }], { jws: string }>(
      `SELECT jws FROM (SELECT jws, 0 kind, position FROM desk_revisions WHERE by = @by
         UNION ALL SELECT jws, 1, position FROM desk_signatures WHERE by = @by) ORDER BY kind, position`,
    )
    .all({ by })
  const logs = rows.flatMap(({ jws }): PersonAct[] => JSON.parse(payloadOf(jws)).log)
  return logs.map(({ kind, person }) => `${kind} ${person?.name ?? 'nobody'}`)
}

function payloadOf(jws: string): string {
  return Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()
}

t.test('house rule 15: every act of a person travels, once, whoever writes the revision down', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  giver.desk.takeShift(neo)
  const id = await begun(two)
  taker.desk.takeShift(thabo)
  await taker.desk.setPin('4711', null)
  await taker.desk.sign(id, plain)
  t.strictSame(carried(taker, taker.device), ['begin nobody', 'shift THABO', 'pin THABO'])
  await settle(two, id)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  for (const side of [giver, taker]) {
    t.match(side.desk.view(id), { signed: 'both', isClosed: true })
    t.equal(side.desk.view(id).revisions.length, 1, 'what is logged is no part of what they agree on')
    t.strictSame(carried(side, giver.device), ['shift NEO'], 'a laptop that only signs tells it with its signature')
    t.strictSame(carried(side, taker.device), ['begin nobody', 'shift THABO', 'pin THABO'])
  }
  giver.desk.takeShift(null)
  await giver.desk.sign(id, plain)
  await giver.desk.sign(id, { ...plain, remark: 'again' })
  t.strictSame(carried(giver, giver.device).toSorted(), ['shift NEO', 'shift nobody'], 'each once')
})

t.test('the end of a handover travels with the next', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const first = await begun(two)
  await taker.desk.sign(first, plain)
  taker.desk.close(first)
  const second = taker.desk.begin(giver.device)
  await taker.reopen()
  await taker.desk.sign(second, plain)
  const [revision] = taker.desk.view(second).revisions
  t.match(revision?.handover.log, [
    { kind: 'close', about: first },
    { kind: 'begin', about: second },
  ])
})

t.test('a document that was not stored carries nothing', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { taker } = two
  const id = await begun(two)
  taker.desk.takeShift(thabo)
  taker.failure = new Error('the disk is full')
  await t.rejects(taker.desk.sign(id, plain), { message: 'the disk is full' })
  taker.failure = undefined
  await taker.reopen()
  await taker.desk.sign(id, plain)
  t.strictSame(carried(taker, taker.device), ['begin nobody', 'shift THABO'])
})

t.test('a long log goes with several documents, in its order', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { taker } = two
  const id = await begun(two)
  for (let n = 0; n < 150; n += 1) taker.desk.takeShift({ id: null, name: `${n} ${'\u0001'.repeat(150)}` })
  for (let n = 0; n < 8; n += 1) {
    taker.clock.time += 1
    await taker.desk.sign(id, plain)
  }
  const told = carried(taker, taker.device)
  t.equal(told.length, 151)
  t.strictSame(
    told.slice(1).map((one) => Number(one.split(' ')[1])),
    Array.from({ length: 150 }, (_, n) => n),
  )
  await settle(two, id)
  t.strictSame(two.giver.refused, [])
  t.strictSame(carried(two.giver, taker.device).toSorted(), told.toSorted())
})

t.test('a laptop that gets its own documents back tells nothing of them again', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2')])
  const { giver, taker } = two
  giver.desk.takeShift(neo)
  const id = await begun(two)
  await giver.desk.sign(id, plain)
  await settle(two, id)
  // The disk is from before the signature.
  for (const sql of [
    'DELETE FROM desk_revisions',
    'DELETE FROM desk_signatures',
    'UPDATE person_acts SET carried_by = NULL',
  ])
    giver.store.$client.exec(sql)
  await giver.reopen()
  await settle(two, id)
  giver.desk.act(id, { kind: 'scan', read: 'REQ0001', typed: false })
  await giver.desk.sign(id, plain)
  t.strictSame(carried(giver, giver.device), ['shift NEO'])
  t.strictSame(carried(taker, giver.device), ['shift NEO'])
})

t.test('two acts that look the same are two', async (t) => {
  const { taker, giver } = await twoDesks(t, [line('1')])
  const id = taker.desk.begin(giver.device)
  for (let n = 0; n < 120; n += 1) taker.desk.takeShift(thabo)
  await taker.desk.sign(id, plain)
  taker.clock.time += 1
  await taker.desk.sign(id, plain)
  t.equal(carried(taker, taker.device).length, 121)
})
