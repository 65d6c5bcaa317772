import { Value } from '@sinclair/typebox/value'
import t, { type Test } from 'tap'
import { StudySettings } from '../../shared/protocol/study-document.ts'
import { StudyShelf } from '../../shared/storage/study-shelf.ts'
import { checkSettings, defaultSettings, settingsOf } from '../../study/settings.ts'
import { foundTestStudy, trustOf } from '../fixtures/study.ts'

const usual = defaultSettings('A study')
const withMapping = (mapping: object) => ({
  ...usual,
  models: { 'lab.requisition': { naturalKey: [], requisition: mapping } },
})

function refused(t: Test, given: unknown, message: RegExp, what = 'refused'): void {
  t.throws(() => checkSettings(given), { code: 'STUDY_DOCUMENT_INVALID', message }, what)
}

t.test('what a study starts from is well-formed, and comes out of its document again', async (t) => {
  t.ok(Value.Check(StudySettings, usual))
  t.equal(checkSettings(usual), usual)
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const shelf = await StudyShelf.open(study.server.data, await trustOf(study.server.identity))
  t.strictSame(settingsOf(shelf.document), defaultSettings('A test study'))
})

t.test('invariant 6: initials, birth date and gender cannot be made visible', async (t) => {
  t.doesNotThrow(() =>
    checkSettings(withMapping({ identifier: 'requisition_identifier', subject: 'subject_identifier', panel: 'panel' })),
  )
  for (const field of [
    'initials',
    'dob',
    'date_of_birth',
    'gender',
    'sex',
    'Initials',
    'firstName',
    'last_name',
    'omang',
  ])
    for (const name of ['identifier', 'subject', 'panel'])
      refused(
        t,
        withMapping({ identifier: 'id', [name]: field }),
        new RegExp(`/models/lab.requisition/requisition/${name}: ${field}`),
      )
})

t.test('every wrong field is named, also those that a person may not set', async (t) => {
  refused(t, { ...usual, revocations: [], version: 7 }, /\/revocations: not a setting; \/version: not a setting/)
  refused(t, { ...usual, name: '', limits: { ...usual.limits, batchChanges: 0 } }, /\/name: .*\/limits\/batchChanges: /)
  refused(
    t,
    withMapping({ identifier: 'id', subjct: 'x' }),
    /\/models\/lab\.requisition\/requisition\/subjct: /,
    'a misspelling',
  )
  refused(t, withMapping({ subject: 'x' }), /identifier/)
  const { reasons: _, ...incomplete } = usual
  refused(t, incomplete, /\/reasons: /)
  for (const given of [null, undefined, 'text', [], 7]) refused(t, given, /\/: |\/name/, String(given))
})

t.test('a code of two reasons, or an id of two people, is named: what was signed would be ambiguous', async (t) => {
  const leaked = { code: 'leaked', words: 'leaked', closes: true }
  const thabo = { id: 'thabo', name: 'Thabo', role: 'driver' }
  t.doesNotThrow(() => checkSettings({ ...usual, reasons: [leaked], people: [thabo, { ...thabo, id: 'neo' }] }))
  const reasons = [leaked, { ...leaked, code: 'other' }, { ...leaked, words: 'it leaked' }]
  const people = [thabo, { ...thabo, name: 'Thabo M' }]
  refused(t, { ...usual, reasons }, /^\/reasons\/2: leaked is there twice$/)
  refused(t, { ...usual, reasons, people }, /^\/reasons\/2: leaked is there twice; \/people\/1: thabo is there twice$/)
  refused(t, { ...usual, temperature: { lowest: 2 } }, /\/temperature/)
})
