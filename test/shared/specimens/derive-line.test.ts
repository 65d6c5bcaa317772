import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import t from 'tap'
import type { Change } from '../../../shared/protocol/change.ts'
import { RequisitionLine } from '../../../shared/protocol/requisition-line.ts'
import type { RequisitionMapping, StudyDocument } from '../../../shared/protocol/study-document.ts'
import { deriveLine, linesDigest } from '../../../shared/specimens/derive-line.ts'

const seed = 20261124
const check = TypeCompiler.Compile(RequisitionLine)
const model = 'lab.requisition'
const names = ['subject', 'panel', 'specimenType', 'tubes', 'isDrawn', 'reasonNotDrawn', 'drawnAt', 'stabilityMinutes']
const personal = [
  ...[
    'initials',
    'subject_initials',
    'dob',
    'is_dob_estimated',
    'date_of_birth',
    'birth_date',
    'gender',
    'sex',
    'GENDER',
  ],
  ...['first_name', 'firstName', 'last_name', 'surname', 'identity', 'confirm_identity', 'omang'],
]
const usual: RequisitionMapping = {
  identifier: 'requisition_identifier',
  subject: 'subject_identifier',
  panel: 'panel',
  drawnAt: 'drawn',
}

/** A study document as anyone who may sign could have signed it: `publish` would refuse some of these. */
function studyWith(requisition: RequisitionMapping): StudyDocument {
  return { models: { [model]: { requisition } } } as unknown as StudyDocument
}

function changeOf(fields: Record<string, unknown>, more: Partial<Change> = {}): Change {
  const core = { id: 'c-1', model, pk: 'p-1', naturalKey: [], base: [], user: 'ra' }
  return { ...core, action: 'insert', recordedAt: '2026-11-24T08:00:00.000Z', fields, ...more }
}

t.test('invariant 6: initials, birth date and gender are never visible, whatever mapping was signed', async (t) => {
  const field = fc.constantFrom(...personal)
  const mappings = fc.record(
    { identifier: field, ...Object.fromEntries(names.map((name) => [name, field])) },
    { requiredKeys: ['identifier'] },
  )
  const fields = Object.fromEntries(personal.map((name) => [name, `SECRET ${name}`]))
  fc.assert(
    fc.property(mappings, (mapping) => {
      const line = deriveLine(changeOf(fields), studyWith(mapping as unknown as RequisitionMapping))
      return line?.requisition === null && !JSON.stringify(line).includes('SECRET')
    }),
    { seed, numRuns: 300 },
  )
  const line = deriveLine(changeOf({ ...fields, panel: 'viral load' }), studyWith({ ...usual, subject: 'initials' }))
  t.strictSame(line?.fields, { panel: 'viral load' }, 'the rest of the mapping stays')
})

t.test('invariant 6: of a change, only the mapped fields, and only plain values of them', async (t) => {
  const values = fc.oneof(
    fc.constant('PLAIN'),
    fc.constant(['DEEP']),
    fc.constant({ a: 'DEEP' }),
    fc.constant(null),
    fc.constant(7),
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.constant('UNMAPPED')), values, values, (others, subject, identifier) => {
      const fields = { ...others, subject_identifier: subject, requisition_identifier: identifier }
      const told = JSON.stringify(
        deriveLine(changeOf(fields, { user: 'UNMAPPED', reason: 'UNMAPPED' }), studyWith(usual)),
      )
      return (
        !told.includes('UNMAPPED') &&
        !told.includes('DEEP') &&
        told.includes('PLAIN') === [subject, identifier].includes('PLAIN')
      )
    }),
    { seed, numRuns: 300 },
  )
  for (const source of ['constructor', '__proto__', 'toString', 'length'])
    t.strictSame(deriveLine(changeOf({}), studyWith({ ...usual, subject: source }))?.fields, {}, source)
  for (const other of ['lab.result', 'constructor', '__proto__'])
    t.equal(deriveLine(changeOf({}, { model: other }), studyWith(usual)), undefined, `no line of ${other}`)
})

t.test('any text gives a line that can be signed for, however long and wherever it is cut', async (t) => {
  const long = fc.tuple(
    fc.integer({ min: 195, max: 205 }),
    fc.integer({ min: 495, max: 505 }),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(long, ([short, length, tail]) => {
      const fields = {
        requisition_identifier: `${'r'.repeat(short)}😀${tail}`,
        subject_identifier: `${'s'.repeat(length)}😀${tail}`,
      }
      const line = deriveLine(changeOf(fields), studyWith(usual))
      return check.Check(line) && linesDigest([line]).count === 1 && String(line.requisition).isWellFormed()
    }),
    { seed, numRuns: 300 },
  )
  const line = deriveLine(changeOf({ subject_identifier: `${'s'.repeat(499)}😀` }), studyWith(usual))
  t.equal(line?.fields.subject, 's'.repeat(499), 'half a character is left out, or the batch could never be sealed')
})

t.test('a requisition that is not drawn has no identifier yet, and a deleted one leaves a tombstone', async (t) => {
  const requisitionOf = (value: unknown) =>
    deriveLine(changeOf({ requisition_identifier: value }), studyWith(usual))?.requisition
  t.strictSame([undefined, null, '', 12, 'R-1'].map(requisitionOf), [null, null, null, '12', 'R-1'])
  const gone = deriveLine(changeOf({}, { action: 'delete' }), studyWith(usual))
  t.match(gone, { action: 'delete', pk: 'p-1', requisition: null, fields: {} })
  t.equal(
    deriveLine(changeOf({}), studyWith({ ...usual, stabilityMinutes: 90 }))?.fields.stabilityMinutes,
    90,
    'a fixed number',
  )
})

t.test('the digest of lines: not of the order of fields or mappings, but of the order of changes', async (t) => {
  const fields = { requisition_identifier: 'R-1', subject_identifier: 'S-1', panel: 'vl', drawn: '2026-11-24' }
  const turned = (given: object) => Object.fromEntries(Object.entries(given).reverse())
  const digestOf = (...lines: (RequisitionLine | undefined)[]) => linesDigest(lines as RequisitionLine[]).digest
  const one = deriveLine(changeOf(fields), studyWith(usual))
  t.equal(digestOf(deriveLine(changeOf(turned(fields)), studyWith(turned(usual) as RequisitionMapping))), digestOf(one))
  const two = deriveLine(changeOf(fields, { id: 'c-2', pk: 'p-2' }), studyWith(usual))
  t.not(digestOf(one, two), digestOf(two, one), 'the last line of a record counts')
  t.not(digestOf(one), digestOf(one, one))
  t.strictSame(linesDigest([]).count, 0)
  t.equal(digestOf(one), digestOf(JSON.parse(canonicalize(one) ?? '')), 'a line that was stored and read again')
})
