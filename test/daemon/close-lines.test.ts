import t, { type Test } from 'tap'
import { closeLines } from '../../daemon/close-lines.ts'
import { digestOfServed, linesStateOf, ownLines, servedLines } from '../../daemon/served-lines.ts'
import { newNonce, sha256 } from '../../shared/crypto/digest.ts'
import type { Handover, HandoverLine } from '../../shared/protocol/handover.ts'
import type { OpenLine } from '../../shared/protocol/requisition-line.ts'
import { remembering } from '../../shared/storage/remember.ts'
import { TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const model = 'lab.requisition'
const at = '2026-11-24T09:00:00.000Z'

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const requisition = { identifier: 'req_id', isDrawn: 'drawn', drawnAt: 'drawn_at' }
  const reasons = [
    { code: 'leaked', words: 'leaked', closes: true },
    { code: 'leftBehind', words: 'left behind', closes: false },
  ]
  const edited = await study.publish(() => ({ models: { [model]: { requisition } }, reasons }))
  await laptop.told(study.server, { studyDocument: edited })
  let count = 0
  const record = (pk: string, fields: object = {}, action = 'update') => {
    count += 1
    return laptop.record({ id: `c-${count}`, model, action, pk, fields: { req_id: `R${pk}`, ...fields } })
  }
  const serving = { store: laptop.store, shelf: laptop.shelf, clock: laptop.clock }
  const served = () => [...servedLines(serving)].map((text): OpenLine => JSON.parse(text))
  /** A revision of a handover is signed, with these lines. */
  const sign = (id: string, revision: number, lines: Array<Partial<HandoverLine> & { pk: string }>) => {
    const full = lines.map(
      (line): HandoverLine => ({
        ...{ model, requisition: `R${line.pk}`, changeId: lineOf(line.pk)?.changeId ?? '', state: 'present' },
        ...{ tubes: 1, counted: 1, reason: null, text: null, ...line },
      }),
    )
    const handover = { id, revision, at, lines: full } as unknown as Handover
    laptop.store.$client.transaction(() => closeLines(laptop.store, handover, laptop.shelf.document))()
  }
  const lineOf = (pk: string) => served().find((line) => line.pk === pk)
  return { laptop, record, served, sign, serving, pks: () => served().map(({ pk }) => pk) }
}

t.test('what went with a signed handover, or will not come, is not served until its record changes', async (t) => {
  const { laptop, record, served, sign, serving, pks } = await begin(t)
  for (const pk of ['1', '2', '3', '4', '5', '6']) await record(pk, { drawn: true }, 'insert')
  const id = newNonce()
  sign(id, 1, [
    { pk: '1' },
    { pk: '2', state: 'missing', counted: null, reason: 'leaked' },
    { pk: '3', state: 'missing', counted: null, reason: 'leftBehind' },
    { pk: '4', state: 'notYetScanned', counted: null },
    { pk: '5', state: 'notDrawn' },
    { pk: '6', state: 'changed', counted: null },
  ])
  t.same(pks(), ['3', '4', '6'], 'expected by the next driver')
  t.equal(laptop.status().openLines, 3)
  t.same(
    ownLines(serving, id).map(({ pk, handedOver }) => [pk, handedOver]),
    ['1', '2', '3', '4', '5', '6'].map((pk) => [pk, null]),
    'the handover itself goes on with all of them as they were',
  )
  t.same(ownLines(serving, newNonce()).length, 3, 'another one does not')
  await record('1', { drawn: true, note: 'x' })
  t.same(served().find(({ pk }) => pk === '1')?.handedOver, { handover: id, changeId: 'c-1', at })
  await laptop.sealer.ask()
  t.same(pks(), ['1', '3', '4', '6'], 'sealed or not')
  sign(newNonce(), 1, [{ pk: '1', state: 'changed' }])
  t.same(pks(), ['3', '4', '6'])
})

t.test('a newer revision closes in place of an older one, in whatever order they come', async (t) => {
  const { record, sign, pks } = await begin(t)
  for (const pk of ['1', '2', '3']) await record(pk, {}, 'insert')
  const id = newNonce()
  sign(id, 1, [{ pk: '1' }, { pk: '2' }])
  t.same(pks(), ['3'])
  sign(id, 2, [
    { pk: '1', changeId: 'c-1' },
    { pk: '2', changeId: 'c-2', state: 'notYetScanned' },
    { pk: '3', changeId: 'c-3' },
  ])
  t.same(pks(), ['2'])
  sign(id, 1, [{ pk: '2', changeId: 'c-2' }])
  t.same(pks(), ['2'], 'the older one says nothing any more')
  sign(id, 2, [{ pk: '2', changeId: 'c-2' }])
  t.same(pks(), [], 'two of one revision: what either closes is closed')
})

t.test('signed for another change than the record is at: it is served, and says what went', async (t) => {
  const { record, sign, served } = await begin(t)
  await record('1', {}, 'insert')
  await record('1', { drawn: true })
  const [id, later] = [newNonce(), newNonce()]
  sign(id, 1, [{ pk: '1', changeId: 'c-1' }])
  t.match(served(), [{ pk: '1', changeId: 'c-2', handedOver: { handover: id, changeId: 'c-1' } }])
  sign(later, 1, [{ pk: '1', changeId: 'c-0' }])
  t.match(served(), [{ handedOver: { handover: later } }], 'the last of them')
})

t.test('a drawn time that the clock contradicts is doubtful', async (t) => {
  const { laptop, record, served } = await begin(t)
  await record('1', { drawn_at: '2026-11-24T07:00:00.000Z' }, 'insert')
  await record('2', { drawn_at: '2027-11-24T07:00:00.000Z' }, 'insert')
  await record('3', { drawn_at: 'this morning' }, 'insert')
  await record('4', { drawn_at: 7 }, 'insert')
  t.same(
    served().map(({ doubtful }) => doubtful),
    [false, true, false, false],
  )
  laptop.store.$client.exec(
    "INSERT INTO clock_steps (first, last) VALUES ('2026-11-24T06:00:00.000Z', '2026-11-24T07:30:00.000Z')",
  )
  t.same(
    served().map(({ doubtful }) => doubtful),
    [true, true, false, false],
  )
})

t.test(
  'the digest of the lines is that of what is served, whoever wrote, and worked out only when it may have changed',
  async (t) => {
    const { laptop, record, served, serving, sign } = await begin(t)
    const remember = remembering(laptop.store.$client, linesStateOf(serving), 1)
    let worked = 0
    const digest = () =>
      remember('digest', () => {
        worked += 1
        return digestOfServed(serving)
      })
    const isRight = () => digest() === sha256([...servedLines(serving)].join(''))
    t.ok(isRight())
    await record('1', {}, 'insert')
    t.ok(isRight())
    sign(newNonce(), 1, [{ pk: '1' }])
    t.ok(isRight())
    const other = await TestLaptop.open(t, laptop.device)
    await other.record({ id: 'other', model, action: 'insert', pk: '9', fields: { req_id: 'R9' } })
    t.ok(isRight(), 'another program on the same database')
    const before = worked
    laptop.store.$client.exec("INSERT INTO meetings (device, role, address, at) VALUES ('d', 'relay', 'a', 'now')")
    t.ok(isRight())
    t.equal(worked, before, 'another table')
    await record(
      '10',
      { drawn: true, drawn_at: new Date(laptop.clock.now().getTime() + 300_000).toISOString() },
      'insert',
    )
    t.match(served().at(-1), { pk: '10', doubtful: true })
    laptop.clock.wall += 310_000
    t.ok(isRight(), 'what lay in the future')
    t.match(served().at(-1), { pk: '10', doubtful: false })
    laptop.store.$client.exec(
      "INSERT INTO clock_steps (first, last) VALUES ('2020-01-01T00:00:00.000Z', '2035-01-01T00:00:00.000Z')",
    )
    t.ok(isRight(), 'a clock that stepped')
  },
)
