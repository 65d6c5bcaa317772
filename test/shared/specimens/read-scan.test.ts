import fc from 'fast-check'
import t from 'tap'
import { labelOf, readScan } from '../../../shared/specimens/read-scan.ts'

const labelIn = (raw: string) => {
  const scan = readScan(raw)
  return scan.kind === 'label' ? scan.label : scan.kind
}

t.test('prefix, suffix, hyphen, blanks and letter case do not matter', async (t) => {
  for (const raw of [
    'ABC1234',
    'abc-1234',
    ' ABC 1234\r\n',
    'ABC1234\t',
    ']C1ABC1234',
    ']d2abc-1234\n',
    '\u0002ABC1234\u0003',
  ])
    t.equal(labelIn(raw), 'ABC1234', JSON.stringify(raw))
  t.equal(labelOf('abc-1234'), 'ABC1234', 'as the data has it')
})

t.test('an aliquot label is of its requisition, unless one is called just so', async (t) => {
  t.match(readScan('066ABC1234000000101'), { keys: ['066ABC1234000000101'] }, '19 characters are no aliquot')
  t.strictSame(readScan('066abc12340000WB01'), {
    ...{ kind: 'label', text: '066abc12340000WB01', label: '066ABC12340000WB01' },
    keys: ['066ABC12340000WB01', 'ABC1234'],
  })
})

t.test('command barcodes, typed or scanned', async (t) => {
  t.strictSame(readScan(']C1WAYBILL-UNDO\r'), { kind: 'undo' })
  t.strictSame(readScan('waybill-missing'), { kind: 'missing' })
  t.strictSame(readScan('WAYBILL-SIGN'), { kind: 'sign' })
  for (let digit = 0; digit < 10; digit += 1)
    for (const raw of [`WAYBILL-${digit}`, `${digit}`]) t.strictSame(readScan(raw), { kind: 'digit', digit }, raw)
  t.equal(labelIn('WAYBILL-10'), 'WAYBILL10', 'no command')
  t.equal(labelIn('constructor'), 'CONSTRUCTOR', 'nothing that every object has')
})

t.test('what is no label: nothing in it, or far too much', async (t) => {
  for (const raw of ['', '\r\n', '---', ']C1', '\u0000', 'ωμέγα', 'A'.repeat(201), '1'.repeat(1e7)])
    t.equal(readScan(raw).kind, 'nothing', JSON.stringify(raw.slice(0, 20)))
  t.equal(labelIn('A'.repeat(200)), 'A'.repeat(200))
  t.equal(labelIn(`${'A'.repeat(200)}\r\n`), 'A'.repeat(200), 'Enter is none of it')
})

t.test(
  'hostile text: bounded, never thrown at, and what is kept of it can be signed and reads the same again',
  async (t) => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 600 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
    )
    const halves = fc.array(fc.constantFrom('\ud800', '\udfff', 'A', '7', '-', ']C1', '\u0000'), { maxLength: 300 })
    const hostile = fc.oneof(
      text,
      halves.map((parts) => parts.join('')),
      fc.string().map((end) => `]C1${end}`),
    )
    fc.assert(
      fc.property(hostile, (raw) => {
        const scan = readScan(raw)
        if (scan.kind !== 'label') return true
        const again = readScan(scan.text)
        return (
          /^[A-Z0-9]{1,200}$/.test(scan.label) &&
          scan.text.isWellFormed() &&
          scan.text.length <= 200 &&
          again.kind === 'label' &&
          again.label === scan.label
        )
      }),
      { seed: 20261124, numRuns: 3000 },
    )
    for (const raw of [']'.repeat(1e6), '-'.repeat(1e6), `]C1${'\u0000'.repeat(1e6)}`])
      t.same(readScan(raw), { kind: 'nothing' })
  },
)
