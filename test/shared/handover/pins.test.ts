import t from 'tap'
import type { Desk } from '../../../shared/handover/open-desk.ts'
import { begun, line, twoDesks } from '../../fixtures/desks.ts'

const refused = { code: 'PIN_REFUSED' }
const thabo = { id: 'thabo', name: 'Thabo' }
const sign = (desk: Desk, id: string, pin: string) => desk.sign(id, { pin, agrees: true, remark: null })

t.test('a PIN has 4 to 12 digits, is of who is on shift, and needs the old one to be changed', async (t) => {
  const { taker } = await twoDesks(t)
  await t.rejects(taker.desk.setPin('4711', null), refused, 'nobody is on shift')
  taker.desk.takeShift(thabo)
  for (const pin of ['', '123', '1'.repeat(13), '12a4', '12 34', '١٢٣٤', '1234\n'])
    await t.rejects(taker.desk.setPin(pin, null), refused, JSON.stringify(pin))
  t.equal(taker.desk.shift().hasPin, false)
  await taker.desk.setPin('4711', null)
  t.equal(taker.desk.shift().hasPin, true)
  for (const old of [null, '', '4712']) await t.rejects(taker.desk.setPin('1234', old), refused, `old: ${old}`)
  await taker.desk.setPin('123456789012', '4711')
  taker.desk.takeShift({ id: null, name: 'THABO' })
  t.equal(taker.desk.shift().hasPin, false, 'a name that was typed is nobody of the study')
  const log = taker.store.$client.prepare("SELECT person FROM person_acts WHERE kind = 'pin'").all()
  t.match(log, [{ person: /thabo/ }, { person: /thabo/ }], 'appended')
  t.equal(log.length, 2)
})

t.test('of two first PINs given at once, one stands', async (t) => {
  const { taker } = await twoDesks(t)
  taker.desk.takeShift(thabo)
  const given = await Promise.allSettled([taker.desk.setPin('1111', null), taker.desk.setPin('2222', null)])
  t.strictSame(
    given.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
})

t.test('only a salted hash is kept, and no two are the same', async (t) => {
  const { taker } = await twoDesks(t)
  for (const person of [thabo, { id: 'neo', name: 'Neo' }]) {
    taker.desk.takeShift(person)
    await taker.desk.setPin('4711', null)
  }
  const rows = taker.store.$client.prepare('SELECT * FROM pins').all() as { salt: string; hash: string }[]
  t.equal(new Set(rows.flatMap(({ salt, hash }) => [salt, hash])).size, 4)
  t.notMatch(JSON.stringify(taker.store.$client.prepare('SELECT * FROM person_acts').all()), /4711/)
})

t.test('five wrong tries cost a minute, that no clock and no restart shortens', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { taker } = two
  const id = await begun(two)
  taker.desk.takeShift(thabo)
  await taker.desk.setPin('4711', null)
  for (let tries = 0; tries < 4; tries += 1) await t.rejects(sign(taker.desk, id, '0000'), refused)
  t.match((await sign(taker.desk, id, '4711')).revisions[0]?.signatures, [{ verified: true }], 'the fifth is right')
  for (let tries = 0; tries < 5; tries += 1)
    await t.rejects(sign(taker.desk, id, '0000'), { ...refused, message: /not the PIN/ })
  const waits = { ...refused, message: /wait \d+ s/ }
  await t.rejects(sign(taker.desk, id, '4711'), waits, 'even the right one')
  await t.rejects(taker.desk.setPin('1234', '4711'), waits, 'nor by another way')
  taker.clock.time += 86_400_000
  taker.clock.running += 59_000
  await t.rejects(sign(taker.desk, id, '4711'), waits, 'the wall clock says nothing')
  await taker.reopen()
  await t.rejects(sign(taker.desk, id, '4711'), waits, 'it begins again with the program')
  taker.clock.running += 60_000
  t.resolves(sign(taker.desk, id, '4711'))
  taker.desk.takeShift({ id: 'neo', name: 'Neo' })
  await t.resolves(taker.desk.setPin('4711', null), 'nobody else waits')
})

t.test('tries at once are counted, each', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { taker } = two
  const id = await begun(two)
  taker.desk.takeShift(thabo)
  await taker.desk.setPin('4711', null)
  const tries = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => sign(taker.desk, id, `000${n}`)))
  const why = tries.map((tried) => (tried.status === 'rejected' ? String(tried.reason.message) : 'taken'))
  t.equal(why.filter((told) => told === 'this is not the PIN').length, 5)
  t.equal(why.filter((told) => /wait/.test(told)).length, 3)
})
