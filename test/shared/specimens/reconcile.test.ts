import fc from 'fast-check'
import t from 'tap'
import type { Act, Deed } from '../../../shared/protocol/handover.ts'
import type { OpenLine } from '../../../shared/protocol/requisition-line.ts'
import { knowLines } from '../../../shared/specimens/known-lines.ts'
import { readScan } from '../../../shared/specimens/read-scan.ts'
import { type Reconciled, reconcile } from '../../../shared/specimens/reconcile.ts'
import { line, model } from '../../fixtures/desks.ts'

const seed = 20261124
const [giver, taker] = ['a'.repeat(32), 'b'.repeat(32)]
const handover = '0'.repeat(32)
const handedOver = { handover: '1'.repeat(32), changeId: 'old', at: '2026-11-23T12:00:00.000Z' }

/** Acts of one laptop after the other, as `[device, deed]`. */
function actsOf(...deeds: Array<[string, Deed]>): Act[] {
  const numbers = new Map<string, number>()
  return deeds.map(([device, deed], index) => {
    const number = (numbers.get(device) ?? 0) + 1
    numbers.set(device, number)
    return { device, number, after: index + 1, at: '2026-11-24T12:00:00.000Z', person: null, deed }
  })
}

const scan = (text: string): Deed => ({ kind: 'scan', text, typed: false, told: 'present' })
const key = (pk: string) => ({ model, pk })
const count = (pk: string, tubes: number): Deed => ({ kind: 'count', line: key(pk), old: 1, new: tubes })
const missing = (pk: string, reason = 'leaked'): Deed => ({
  ...{ kind: 'missing', line: key(pk), old: 'notYetScanned', reason, text: null },
})
const undo = (device: string, number: number): Deed => ({ kind: 'undo', device, number })

function work(lines: OpenLine[], acts: Act[], elsewhere: Record<string, string> = {}): Reconciled {
  return reconcile({
    ...{ known: knowLines(lines, handover), acts },
    findElsewhere: (label) => (elsewhere[label] ? { device: elsewhere[label], line: null } : undefined),
  })
}

/** `label state counted` of each tube. */
const said = ({ tubes }: Reconciled) => tubes.map((tube) => [tube.label, tube.state, tube.counted])

t.test('what is expected here: drawn, and in no earlier handover', async (t) => {
  const drawn = [true, 'Yes', 'yes', 'Y', 1, '1', 'true', null, undefined, '']
  const not = [false, 'No', 'no', 'N', 0, '0', 'false', 'perhaps']
  const fields = (isDrawn: unknown) => ({ fields: isDrawn === undefined ? {} : { isDrawn } }) as Partial<OpenLine>
  t.equal(
    work(
      drawn.map((told, n) => line(`${n}`, fields(told))),
      [],
    ).counts.notYetScanned,
    drawn.length,
  )
  t.strictSame(
    said(
      work(
        not.map((told, n) => line(`${n}`, fields(told))),
        [],
      ),
    ),
    [],
    'nothing is said of what is not',
  )
  const lines = [line('1', { handedOver }), line('2', { action: 'delete' }), line('3', { requisition: null })]
  t.strictSame(said(work(lines, [])), [['3', 'notYetScanned', null]], 'nor of what went before, or was deleted')
  const own = line('1', { handedOver: { ...handedOver, handover } })
  t.strictSame(said(work([own], [])), [['REQ0001', 'notYetScanned', null]], 'what this handover itself closed')
})

t.test('each answer of a scan', async (t) => {
  const lines = [
    ...[
      line('1'),
      line('2', { handedOver }),
      line('3', { fields: { isDrawn: 'No' } }),
      line('4', { action: 'delete' }),
    ],
  ]
  const elsewhere = { OTHER01: 'c'.repeat(32) }
  const answers = (acts: Act[]) => {
    const now = work(lines, acts, elsewhere)
    return ['req-0001', 'REQ0002', 'REQ0003', 'REQ0004', 'OTHER01', 'NOWHERE'].map((raw) =>
      now.wouldAnswer(readScan(raw)),
    )
  }
  t.strictSame(answers([]), ['present', 'changed', 'notDrawn', 'notDrawn', 'anotherLaptop', 'unexpected'])
  const acts = actsOf(
    ...['REQ0001', 'REQ0002', 'REQ0003', 'REQ0004', 'OTHER01', 'NOWHERE'].map(
      (raw) => [giver, scan(raw)] as [string, Deed],
    ),
  )
  t.strictSame(answers(acts), ['again', 'again', 'again', 'again', 'anotherLaptop', 'unexpected'])
  t.strictSame(said(work(lines, acts, elsewhere)), [
    ['NOWHERE', 'unexpected', null],
    ['OTHER01', 'anotherLaptop', null],
    ['REQ0002', 'changed', 1],
    ['REQ0003', 'notDrawn', 1],
    ['REQ0004', 'notDrawn', 1],
    ['REQ0001', 'present', 1],
  ])
})

t.test('a second scan never raises the count; a count does, and is asked for on the laptop that scanned', async (t) => {
  const twice = work([line('1')], actsOf([giver, scan('REQ0001')], [taker, scan('REQ0001')]))
  t.strictSame(said(twice), [['REQ0001', 'present', 1]])
  t.equal(twice.lastScan(taker)?.isAgain, true)
  t.equal(twice.lastScan(giver)?.isAgain, false)
  const acts = actsOf(
    [giver, scan('REQ0001')],
    [taker, scan('REQ0001')],
    [taker, count('1', 3)],
    [giver, scan('REQ0001')],
  )
  const counted = work([line('1')], acts)
  t.strictSame(said(counted), [['REQ0001', 'present', 3]])
  t.equal(counted.lastScan(taker), undefined, 'answered')
  t.strictSame(said(work([line('1')], actsOf([taker, count('1', 0)]))), [['REQ0001', 'notYetScanned', null]])
})

t.test('missing is what a person said, until it is scanned; the last word counts', async (t) => {
  const gone = actsOf([giver, missing('1')])
  t.match(work([line('1')], gone).tubes, [{ state: 'missing', reason: 'leaked', counted: null }])
  const found = work([line('1')], [...gone, { ...actsOf([taker, scan('REQ0001')])[0], after: 2 } as Act])
  t.match(found.tubes, [{ state: 'present', reason: null, counted: 1 }])
  t.match(work([line('1')], actsOf([giver, scan('REQ0001')], [taker, missing('1')])).tubes, [{ state: 'missing' }])
})

t.test('undo strikes out an act of its own laptop, and no other', async (t) => {
  const lines = [line('1'), line('2')]
  const both: [string, Deed][] = [
    [giver, scan('REQ0001')],
    [taker, scan('REQ0002')],
  ]
  const present = (...more: [string, Deed][]) => work(lines, actsOf(...both, ...more)).counts.present
  t.equal(present(), 2)
  t.equal(present([giver, undo(giver, 1)]), 1)
  t.equal(present([giver, undo(taker, 1)]), 2, "another laptop's act stands")
  t.equal(present([giver, undo(giver, 7)]), 2, 'what is not there')
  t.equal(present([giver, undo(giver, 1)], [giver, undo(giver, 2)]), 1, 'an undo cannot be undone')
})

t.test('remarks stay with a tube; the temperature is the last one that was told', async (t) => {
  const remark = (on: object, reason: string) =>
    ({ kind: 'remark', line: null, label: null, text: null, ...on, reason }) as Deed
  const now = work(
    [line('1')],
    actsOf(
      [giver, remark({ line: key('1') }, 'leaked')],
      [giver, scan('REQ0001')],
      [taker, remark({ label: 'what-1' }, 'leftBehind')],
      [taker, scan('WHAT1')],
      [giver, { kind: 'temperature', old: null, new: 7.5 }],
      [taker, { kind: 'temperature', old: 7.5, new: 5 }],
    ),
  )
  t.match(now.tubes, [
    { label: 'WHAT1', reason: 'leftBehind' },
    { label: 'REQ0001', state: 'present', reason: 'leaked' },
  ])
  t.equal(now.temperature, 5)
})

t.test('aliquot labels, and identifiers that two lines bear', async (t) => {
  const plain = line('1', { requisition: 'ABC-1234' })
  const long = line('2', { requisition: '066ABC12340000WB01' })
  const read = actsOf([giver, scan(']C1066abc12340000wb01')])
  t.match(work([plain], read).tubes, [{ line: { pk: '1' }, state: 'present' }])
  t.equal(work([plain, long], read).tubeOf(key('2'))?.state, 'present', 'one that is called just so')
  t.equal(work([plain, long], read).tubeOf(key('1'))?.state, 'notYetScanned')
  const twins = [
    line('1', { handedOver }),
    line('2', { requisition: 'REQ0001' }),
    line('3', { requisition: 'REQ0001' }),
  ]
  for (const lines of [twins, twins.toReversed()])
    t.equal(
      work(lines, actsOf([giver, scan('REQ0001')])).tubeOf(key('2'))?.state,
      'present',
      'the first that is expected',
    )
})

t.test('a list that comes later knows the label', async (t) => {
  const acts = actsOf([taker, scan('REQ0001')], [taker, count('1', 2)])
  t.strictSame(said(work([], acts)), [['REQ0001', 'unexpected', null]])
  t.strictSame(said(work([line('1')], acts)), [['REQ0001', 'present', 2]])
})

t.test('first what a person must look at, then by label', async (t) => {
  const lines = [line('1', { requisition: 'B' }), line('2', { requisition: 'A' }), line('3', { requisition: 'C' })]
  const now = work(lines, actsOf([giver, scan('ZZ')], [giver, scan('YY')], [giver, scan('A')]))
  t.strictSame(
    now.tubes.map(({ label }) => label),
    ['YY', 'ZZ', 'B', 'C', 'A'],
  )
})

/** Arbitrary acts of both laptops about some lines; each device's numbered without a gap. */
const pks = ['1', '2', '3', '4', '5', '6']
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...pks, '7', '8').map((pk) => scan(`req-000${pk}`)) },
  fc.constantFrom('junk', '', '\ud800', 'WAYBILL-UNDO', '066REQ00010000WB01').map(scan),
  fc.tuple(fc.constantFrom(...pks, '9'), fc.integer({ min: 0, max: 5 })).map(([pk, tubes]) => count(pk, tubes)),
  fc.constantFrom(...pks).map((pk) => missing(pk)),
  fc
    .tuple(fc.constantFrom(giver, taker), fc.integer({ min: 1, max: 12 }))
    .map(([device, number]) => undo(device, number)),
  fc
    .double({ min: -10, max: 10, noNaN: true })
    .map((celsius): Deed => ({ kind: 'temperature', old: null, new: celsius })),
)
const acts = fc.array(fc.tuple(fc.constantFrom(giver, taker), deed, fc.boolean()), { maxLength: 40 }).map((deeds) => {
  const made = actsOf(...deeds.map(([device, one]): [string, Deed] => [device, one]))
  // Acts that two laptops did without having heard of each other come after the same ones.
  const last = new Map<string, number>()
  return made.map((act, index) => {
    const after = Math.max((last.get(act.device) ?? 0) + 1, deeds[index]?.[2] ? 1 : act.after)
    last.set(act.device, after)
    return { ...act, after }
  })
})
const lines = fc
  .tuple(
    ...pks.map((pk) => {
      const kinds = [
        line(pk),
        line(pk, { handedOver }),
        line(pk, { fields: { isDrawn: 'No' } }),
        line(pk, { action: 'delete' }),
      ]
      return fc.constantFrom(...kinds, undefined)
    }),
  )
  .map((given) => given.filter((one) => one !== undefined))

t.test('property: one state each, whatever the order in which acts and lines came', async (t) => {
  fc.assert(
    fc.property(lines, acts, fc.infiniteStream(fc.nat()), (given, done, random) => {
      const shuffled = <T>(list: T[]) =>
        list
          .map((item) => [random.next().value ?? 0, item] as const)
          .sort(([a], [b]) => a - b)
          .map(([, item]) => item)
      const now = work(given, done)
      const again = work(shuffled(given), shuffled(done))
      const names = now.tubes.map((tube) => (tube.line ? tube.line.pk : `stray ${tube.label}`))
      const expected = given.filter(
        (one) => one.handedOver === null && one.action !== 'delete' && one.fields.isDrawn === 'Yes',
      )
      return (
        JSON.stringify(again.tubes) === JSON.stringify(now.tubes) &&
        again.temperature === now.temperature &&
        new Set(names).size === names.length &&
        expected.every(({ pk }) => names.includes(pk)) &&
        Object.values(now.counts).reduce((sum, n) => sum + n, 0) === now.tubes.length &&
        now.tubes.every(({ state, counted }) =>
          ['present', 'changed', 'notDrawn'].includes(state) ? (counted ?? 0) > 0 : counted === null,
        )
      )
    }),
    { seed, numRuns: 2000 },
  )
  t.pass('seed 20261124')
})

t.test('property: lines that come late change nothing but what they say', async (t) => {
  fc.assert(
    fc.property(lines, acts, (given, done) => {
      const late = work(given, done)
      const early = work([], done)
      // What was unexpected and is on no line stays so; all else is on a line that came.
      const labels = new Set(early.tubes.map(({ label }) => label))
      const strays = late.tubes.filter((tube) => tube.line === null)
      return early.tubes.every(({ state }) => state === 'unexpected') && strays.every(({ label }) => labels.has(label))
    }),
    { seed, numRuns: 1000 },
  )
  t.pass('seed 20261124')
})
