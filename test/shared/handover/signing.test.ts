import t from 'tap'
import { readDocument } from '../../../shared/crypto/read-document.ts'
import type { Asked, AskedSignature } from '../../../shared/handover/desk.ts'
import { begun, exchange, line, model, settle, twoDesks } from '../../fixtures/desks.ts'

const scan = (read: string): Asked => ({ kind: 'scan', read, typed: false })
const plain: AskedSignature = { pin: null, agrees: true, remark: null }
const key = (pk: string) => ({ model, pk })

t.test('both sign the same bytes: the handover is closed on both laptops', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2'), line('3')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.takeShift({ id: 'thabo', name: 'Thabo' })
  taker.desk.act(id, scan('REQ0001'))
  taker.desk.act(id, { kind: 'missing', line: key('2'), reason: 'leaked', text: null })
  const signed = await taker.desk.sign(id, plain)
  t.match(signed, {
    signed: 'one',
    isChangedSince: false,
    isClosed: false,
    revisions: [{ signatures: [{ meaning: 'received' }] }],
  })
  t.match(signed.revisions[0]?.signatures, [
    { person: { id: 'thabo' }, verified: false, agrees: true, by: taker.device },
  ])
  await exchange(two, id)
  await exchange(two, id)
  t.match(giver.signed, [{ revision: 1 }], 'its lines are closed with the first signature that comes')
  const both = await giver.desk.sign(id, plain)
  t.match(both, { signed: 'both', isClosed: true, counts: { present: 1, missing: 1, notYetScanned: 1 } })
  t.equal(both.revisions.length, 1, 'nothing has changed: the same revision')
  t.strictSame(both.revisions[0]?.signatures.map(({ meaning }) => meaning).sort(), ['handedOver', 'received'])
  t.equal(giver.signed.length, 1, 'nothing is closed again with the second signature')
  t.equal(taker.desk.view(id).isClosed, false, 'which nobody told the driver yet')
  await settle(two, id)
  t.match(taker.desk.view(id), { signed: 'both', isClosed: true })
  t.strictSame(taker.desk.open(), [], 'nothing is to be told')
  for (const { desk } of [giver, taker]) t.throws(() => desk.act(id, scan('REQ0003')), { code: 'HANDOVER_CLOSED' })
  t.equal(taker.desk.partners()[0]?.expected, 1, 'what was not scanned is expected by the next driver')
  t.not(taker.desk.begin(giver.device), id, 'another one')
})

t.test('canonical: two laptops with the same lines and acts write the same', async (t) => {
  const lines = [line('b'), line('a'), line('10'), line('9')]
  const two = await twoDesks(t, lines)
  const { giver, taker } = two
  giver.lines.reverse()
  const id = await begun(two)
  taker.desk.act(id, scan('ZZZ'))
  giver.desk.act(id, scan('REQ000A'))
  taker.desk.act(id, scan('AAA'))
  await settle(two, id)
  const [ofGiver, ofTaker] = await Promise.all([giver.desk.sign(id, plain), taker.desk.sign(id, plain)])
  const [one, other] = [ofGiver.revisions[0]?.handover, ofTaker.revisions[0]?.handover]
  for (const part of ['lines', 'strays', 'acts', 'temperature'] as const) t.strictSame(one?.[part], other?.[part], part)
  t.strictSame(
    one?.lines.map(({ pk }) => pk),
    ['10', '9', 'a', 'b'],
  )
  await settle(two, id)
  t.match(taker.desk.view(id), { signed: 'both', isClosed: true }, 'both wrote it down at once: it says the same')
  t.strictSame(
    JSON.stringify(giver.desk.view(id).revisions),
    JSON.stringify(taker.desk.view(id).revisions),
    'both are kept',
  )
  t.equal(giver.desk.view(id).revisions.length, 2)
})

t.test(
  'two revisions of one number that differ are both kept and both shown; the next signature settles it',
  async (t) => {
    const two = await twoDesks(t, [line('1'), line('2')])
    const { giver, taker } = two
    const id = await begun(two)
    giver.desk.act(id, scan('REQ0001'))
    taker.desk.act(id, scan('REQ0002'))
    await giver.desk.sign(id, plain)
    await taker.desk.sign(id, { ...plain, agrees: false, remark: 'one is short' })
    await settle(two, id)
    for (const { desk } of [giver, taker]) {
      t.match(desk.view(id), { signed: 'differently', isClosed: false, isChangedSince: true, revisions: [{}, {}] })
      t.strictSame(
        desk.view(id).revisions.map(({ handover }) => handover.revision),
        [1, 1],
      )
    }
    t.match(
      giver.desk
        .view(id)
        .revisions.flatMap(({ signatures }) => signatures)
        .find(({ agrees }) => !agrees),
      {
        ...{ remark: 'one is short', meaning: 'received' },
      },
    )
    await giver.desk.sign(id, plain)
    await settle(two, id)
    await taker.desk.sign(id, plain)
    await settle(two, id)
    for (const { desk } of [giver, taker]) {
      t.match(desk.view(id), { signed: 'both', isClosed: true, counts: { present: 2 } })
      t.strictSame(
        desk.view(id).revisions.map(({ handover }) => handover.revision),
        [2, 1, 1],
      )
    }
  },
)

t.test('what came after a signature is told, and signed again', async (t) => {
  const two = await twoDesks(t, [line('1'), line('2')])
  const { giver, taker } = two
  const id = await begun(two)
  taker.desk.act(id, scan('REQ0001'))
  await taker.desk.sign(id, plain)
  await settle(two, id)
  t.match(giver.desk.act(id, scan('REQ0002')).view, { isChangedSince: true, signed: 'one' })
  giver.desk.act(id, { kind: 'undo' })
  t.match(giver.desk.view(id), { isChangedSince: false }, 'as it was')
  giver.desk.act(id, scan('REQ0002'))
  await giver.desk.sign(id, plain)
  t.match(giver.desk.view(id), { signed: 'differently', isChangedSince: false, isClosed: false })
  await settle(two, id)
  const signed = await taker.desk.sign(id, plain)
  t.match(signed, { signed: 'both', isClosed: true })
  t.match(
    signed.revisions.map(({ handover }) => [handover.revision, handover.previous]),
    [
      [2, signed.revisions[1]?.digest],
      [1, null],
    ],
  )
})

t.test('no name and no PIN: unverified, and it blocks nothing; confirmed later, verified is shown', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  const id = await begun(two)
  t.match((await giver.desk.sign(id, { ...plain, pin: '1234' })).revisions[0]?.signatures, [
    { person: null, verified: false },
  ])
  taker.desk.takeShift({ id: 'thabo', name: 'Thabo' })
  t.match(
    (await taker.desk.sign(id, { ...plain, pin: '1234' })).revisions[0]?.signatures,
    [{ verified: false }],
    'no PIN is known',
  )
  for (let more = 0; more < 8; more += 1) {
    taker.clock.time += 1000
    await taker.desk.sign(id, plain)
  }
  await settle(two, id)
  t.equal(taker.desk.view(id).isClosed, true)
  await taker.desk.setPin('4711', null)
  await t.rejects(taker.desk.sign(id, { ...plain, pin: '0000' }), { code: 'PIN_REFUSED' })
  const confirmed = await taker.desk.sign(id, { ...plain, pin: '4711' })
  const shown = confirmed.revisions.flatMap(({ signatures }) => signatures)
  t.strictSame(
    shown.filter(({ person }) => person?.id === 'thabo').map(({ verified }) => verified),
    [true],
  )
  await settle(two, id)
  t.equal(
    giver.desk
      .view(id)
      .revisions.flatMap(({ signatures }) => signatures)
      .filter(({ verified }) => verified).length,
    1,
  )
  const written = taker.store.$client.prepare('SELECT jws FROM desk_signatures WHERE by = ?').all(taker.device)
  t.equal(written.length, 10, 'nothing is erased')
})

t.test('both sign at once, and only the driver knows whose a stray label is: they say the same', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const { giver, taker } = two
  taker.elsewhere.set('OTHER01', { device: giver.device, line: line('7') })
  const id = await begun(two)
  giver.desk.act(id, scan('OTHER01'))
  await settle(two, id)
  await giver.desk.sign(id, plain)
  await taker.desk.sign(id, plain)
  await settle(two, id)
  for (const { desk } of [giver, taker]) t.match(desk.view(id), { signed: 'both', isClosed: true })
})

t.test('pressed twice, one revision is written down', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const id = await begun(two)
  const { desk, clock } = two.taker
  clock.now = () => {
    clock.time += 1
    return new Date(clock.time)
  }
  await Promise.all([desk.sign(id, plain), desk.sign(id, plain), desk.sign(id, plain)])
  t.match(desk.view(id).revisions, [{ signatures: [{ by: two.taker.device }] }])
  t.equal(desk.view(id).revisions.length, 1)
  for (const remark of ['', 'x'.repeat(201), '\udc00'])
    await t.rejects(desk.sign(id, { ...plain, remark }), { code: 'BAD_REQUEST' })
})

t.test('what is signed is a document that anyone can verify', async (t) => {
  const two = await twoDesks(t, [line('1')])
  const id = await begun(two)
  two.taker.desk.act(id, scan('REQ0001'))
  await two.taker.desk.sign(id, plain)
  const { jws } = two.taker.store.$client.prepare('SELECT jws FROM desk_revisions').get() as { jws: string }
  t.match(readDocument(jws, 'handover').document, {
    ...{
      id,
      revision: 1,
      previous: null,
      lines: [{ requisition: 'REQ0001', changeId: 'c-1', state: 'present', counted: 1, tubes: 1 }],
    },
    acts: [{ device: two.taker.device, number: 1, deed: { kind: 'scan', text: 'REQ0001', told: 'present' } }],
  })
})
