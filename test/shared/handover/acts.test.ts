import t from 'tap'
import type { Asked } from '../../../shared/handover/desk.ts'
import { begun, exchange, line, model, reasons, settle, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const key = (pk: string) => ({ model, pk })

t.test('a whole handover by scanner keystrokes alone', async (t) => {
  const two = await twoDesks(t, [line('1', { fields: { tubes: 3 } }), line('2'), line('3'), line('4')])
  const id = await begun(two)
  const { desk } = two.taker
  const told = (read: string) => desk.act(id, scan(read)).told
  t.match(desk.act(id, scan(']C1req-0001\r\n')), {
    told: 'present',
    tube: { label: 'REQ0001', counted: 1, isShort: true },
  })
  t.match(desk.act(id, scan('REQ0001')), { told: 'again', view: { question: { ask: 'count', tube: { tubes: 3 } } } })
  t.match(desk.act(id, scan('WAYBILL-3')), {
    told: 'counted',
    tube: { counted: 3, isShort: false },
    view: { question: null },
  })
  t.equal(told('WAYBILL-3'), 'notUnderstood', 'no scan waits for it')
  t.match(desk.act(id, scan('WAYBILL-MISSING')), {
    told: 'askReason',
    tube: { label: 'REQ0002' },
    view: { question: { ask: 'reason' } },
  })
  t.equal(told('WAYBILL-9'), 'notUnderstood', 'the study has two reasons')
  t.match(desk.view(id).question, { ask: 'reason' }, 'the question waits still')
  t.match(desk.act(id, scan('2')), {
    told: 'missing',
    tube: { state: 'missing', reason: 'leaked' },
    view: { question: null },
  })
  t.equal(told('REQ0003'), 'present')
  t.equal(told('2'), 'counted', 'a digit right after a scan')
  t.match(desk.act(id, scan('WAYBILL-UNDO')), { told: 'undone', tube: { label: 'REQ0003', counted: 1 } })
  t.match(
    desk.act(id, scan('waybill-undo')),
    { told: 'undone', tube: { state: 'notYetScanned' } },
    'not in the hand any more',
  )
  t.equal(desk.view(id).counts.notYetScanned, 2)
  t.equal(told('---'), 'notUnderstood')
  t.equal(told('WAYBILL-SIGN'), 'askSign')
})

t.test('missing, undone before its reason was given, leaves everything as it was', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2')])
  const id = await begun(two)
  const { desk } = two.giver
  desk.act(id, scan('REQ0001'))
  desk.act(id, scan('WAYBILL-MISSING'))
  t.match(desk.act(id, { kind: 'undo' }), { told: 'undone', view: { question: null, counts: { present: 1 } } })
  desk.act(id, { kind: 'undo' })
  t.match(desk.act(id, { kind: 'undo' }), { told: 'nothingToUndo', view: { counts: { notYetScanned: 2 } } })
  desk.act(id, scan('WAYBILL-MISSING'))
  t.match(desk.act(id, scan('REQ0001')), { told: 'present', view: { question: null } }, 'a scan ends the question')
})

t.test('a question outlives the program', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2')])
  const id = await begun(two)
  two.taker.desk.act(id, scan('REQ0001'))
  two.taker.desk.act(id, scan('WAYBILL-MISSING'))
  await two.taker.reopen()
  t.match(two.taker.desk.act(id, scan('1')), { told: 'missing', tube: { label: 'REQ0002', reason: 'leftBehind' } })
  two.taker.desk.act(id, scan('REQ0001'))
  await two.taker.reopen()
  t.match(two.taker.desk.act(id, scan('1')), { told: 'counted', tube: { label: 'REQ0001' } })
})

t.test('one laptop cannot undo what the other did', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const id = await begun(two)
  two.taker.desk.act(id, scan('REQ0001'))
  await settle(two, id)
  t.equal(two.giver.desk.act(id, { kind: 'undo' }).told, 'nothingToUndo')
  t.match(two.giver.desk.act(id, scan('REQ0001')), { told: 'again' }, 'but knows it')
})

t.test('what a page asks for is checked: nothing of it is stored', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2', { fields: { isDrawn: 'No' } })])
  const id = await begun(two)
  const { desk } = two.taker
  const why = { reason: 'leaked', text: null }
  const wrong: Asked[] = [
    { kind: 'count', line: key('1'), tubes: 0 },
    { kind: 'count', line: key('1'), tubes: 1.5 },
    { kind: 'count', line: key('1'), tubes: 1000 },
    { kind: 'count', line: key('9'), tubes: 1 },
    { kind: 'count', line: key('2'), tubes: 1 },
    { kind: 'missing', line: key('2'), ...why },
    { kind: 'missing', line: key('1'), reason: 'boredom', text: null },
    { kind: 'missing', line: key('1'), reason: 'leaked', text: '\ud800' },
    { kind: 'missing', line: key('1'), reason: 'leaked', text: 'x'.repeat(201) },
    { kind: 'remark', line: null, label: null, ...why },
    { kind: 'remark', line: key('1'), label: 'REQ0001', ...why },
    { kind: 'remark', line: null, label: 'NOWHERE', ...why },
    { kind: 'temperature', celsius: Number.NaN },
    { kind: 'temperature', celsius: 1e300 },
  ]
  for (const asked of wrong) t.throws(() => desk.act(id, asked), { code: 'BAD_REQUEST' }, JSON.stringify(asked))
  t.throws(() => desk.act('0'.repeat(32), scan('REQ0001')), { code: 'NOT_FOUND' })
  t.throws(() => desk.view('0'.repeat(32)), { code: 'NOT_FOUND' })
  t.strictSame(desk.ask(id).seen, {}, 'nothing was done')
  desk.act(id, scan('REQ0002'))
  t.throws(
    () => desk.act(id, { kind: 'missing', line: key('2'), ...why }),
    { code: 'BAD_REQUEST' },
    'it was never expected',
  )
})

t.test('who began it, with whom, and who is on shift', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  t.throws(() => giver.desk.begin(taker.device), { code: 'ROLE_REFUSED' })
  t.throws(() => taker.desk.begin('f'.repeat(32)), { code: 'NOT_FOUND' })
  t.match(taker.desk.partners(), [{ device: giver.device, name: 'Clinic 3', expected: 1, open: null, signed: 'no' }])
  t.strictSame(giver.desk.partners(), [])
  const id = await begun(two)
  t.equal(taker.desk.begin(giver.device), id, 'the open one')
  t.match(giver.desk.partners(), [
    { device: taker.device, name: 'Thabo', expected: 1, open: { id }, counts: { notYetScanned: 1 } },
  ])
  taker.desk.takeShift({ id: 'thabo', name: 'somebody else' })
  t.strictSame(taker.desk.shift(), { person: { id: 'thabo', name: 'THABO' }, hasPin: false }, 'as the study says')
  t.throws(() => taker.desk.takeShift({ id: 'nobody', name: 'THABO' }), { code: 'BAD_REQUEST' })
  t.throws(() => taker.desk.takeShift({ id: null, name: '' }), { code: 'BAD_REQUEST' })
  taker.desk.act(id, scan('REQ0001'))
  await settle(two, id)
  t.match(giver.desk.view(id), {
    otherPerson: { id: 'thabo' },
    heardAt: giver.clock.now().toISOString(),
    giverName: 'Clinic 3',
  })
  taker.desk.takeShift(null)
  taker.desk.takeShift({ id: null, name: 'Kagiso' })
  await taker.reopen()
  t.strictSame(taker.desk.shift().person, { id: null, name: 'Kagiso' })
  const log = taker.store.$client.prepare('SELECT kind, person FROM person_acts ORDER BY position').all()
  t.match(log, [
    { kind: 'begin' },
    { kind: 'shift', person: /THABO/ },
    { kind: 'shift', person: null },
    { kind: 'shift', person: /Kagiso/ },
  ])
  t.strictSame(taker.desk.reasons(), reasons)
})

t.test(
  "a tube of another laptop: its name on the driver's side, and on the other once it is written down",
  async (t) => {
    const two = await twoDesks(t, [line('1')])
    const { giver, taker } = two
    taker.elsewhere.set('OTHER01', { device: giver.device, line: line('7', { fields: { panel: 'FBC' } }) })
    const id = await begun(two)
    t.match(taker.desk.act(id, scan('other-01')), {
      told: 'anotherLaptop',
      tube: { line: null, laptop: 'Clinic 3', panel: 'FBC' },
    })
    await settle(two, id)
    t.match(giver.desk.view(id).counts, { unexpected: 1, anotherLaptop: 0 }, 'the assistant has no other lists')
    await taker.desk.sign(id, { pin: null, agrees: true, remark: null })
    await settle(two, id)
    t.match(giver.desk.view(id), { counts: { anotherLaptop: 1 }, isChangedSince: false })
    t.match(giver.desk.view(id).tubes[0], { label: 'OTHER01', laptop: 'Clinic 3' })
  },
)

t.test('a laptop that left the list finishes what is open', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const id = await begun(two)
  t.strictSame(
    two.taker.desk.open().map((head) => head.id),
    [id],
  )
  t.strictSame(
    two.giver.desk.open().map((head) => head.id),
    [id],
  )
  await two.giver.reopen()
  await exchange(two, id)
  t.strictSame(
    two.giver.desk.open().map((head) => head.id),
    [id],
    'once',
  )
})
