import t, { type Test } from 'tap'
import { readOpenLines } from '../../daemon/open-lines.ts'
import { sealBatches } from '../../daemon/seal.ts'
import type { RequisitionMapping, StudyDocument } from '../../shared/protocol/study-document.ts'
import { TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const model = 'lab.requisition'
const mapping = { identifier: 'req_id', subject: 'subject_id', panel: 'panel', isDrawn: 'drawn', stabilityMinutes: 90 }

async function begin(t: Test, requisition?: RequisitionMapping) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const publish = async (edit: Partial<StudyDocument>) =>
    laptop.told(study.server, { studyDocument: await study.publish(() => edit) })
  const map = (requisition: RequisitionMapping) => publish({ models: { [model]: { requisition } } })
  if (requisition) await map(requisition)
  return { study, laptop, publish, map }
}

let count = 0
function line(pk: string, action: string, fields: object): object {
  count += 1
  return { id: `r-${count}`, model, action, pk, fields }
}

function served(laptop: TestLaptop): Array<Record<string, unknown>> {
  return [...readOpenLines(laptop.store, laptop.shelf.document, laptop.clock.now())].map((line) => ({ ...line }))
}

t.test(
  'a requisition has one line: updates name only what they change, a delete leaves a tombstone, an insert begins anew',
  async (t) => {
    const { laptop } = await begin(t, mapping)
    await laptop.record(
      line('1', 'insert', { subject_id: 'S-1', panel: 'FBC', drawn: false, initials: 'ABC', dob: '1984' }),
    )
    t.match(served(laptop), [{ pk: '1', requisition: null, action: 'insert' }])
    t.same(
      served(laptop)[0]?.fields,
      { subject: 'S-1', panel: 'FBC', isDrawn: false, stabilityMinutes: 90 },
      'nothing else is visible',
    )
    await laptop.record(line('2', 'insert', { subject_id: 'S-2' }), line('1', 'update', { drawn: true, req_id: 'R1' }))
    await sealBatches(laptop.sealing)
    const [first, second] = served(laptop)
    t.match(
      first,
      { pk: '1', requisition: 'R1', action: 'update', fields: { subject: 'S-1', panel: 'FBC', isDrawn: true } },
      'in the order of the first change, sealed or not',
    )
    t.match(second, { pk: '2' })
    t.equal(laptop.status().openLines, 2)
    await laptop.record(line('1', 'update', { req_id: '', panel: ['not', 'plain'] }))
    t.match(served(laptop)[0], { requisition: null }, 'an identifier that was taken back')
    t.notOk(
      Object.hasOwn(served(laptop)[0]?.fields as object, 'panel'),
      'a value that cannot be shown is not the one before',
    )
    await laptop.record(line('1', 'delete', {}))
    t.match(served(laptop)[0], { action: 'delete', pk: '1' })
    t.equal(laptop.status().openLines, 1, 'a tombstone is told of and is not open')
    await laptop.record(line('1', 'insert', { subject_id: 'S-9' }))
    t.same(served(laptop)[0]?.fields, { subject: 'S-9', stabilityMinutes: 90 }, 'nothing of the deleted one')
  },
)

t.test('invariant 6: what names a person is not visible, whoever maps it', async (t) => {
  const { laptop } = await begin(t, {
    identifier: 'req_id',
    subject: 'initials',
    panel: 'gender',
    specimenType: 'birth_date',
  })
  await laptop.record(line('1', 'insert', { req_id: 'R1', initials: 'ABC', gender: 'F', birth_date: '1984-07-01' }))
  t.same(served(laptop)[0]?.fields, {})
})

t.test(
  'invariant 1: what was recorded before its model was mapped is served once it is, and sealing does not come first',
  async (t) => {
    const { laptop, study } = await begin(t)
    await laptop.record(
      line('1', 'insert', { req_id: 'R1', subject_id: 'S-1', drawn: false }),
      line('2', 'insert', { req_id: 'R2' }),
      line('1', 'update', { drawn: true }),
      line('2', 'delete', {}),
    )
    t.same(served(laptop), [])
    // Another program took the document; the first to notice is who seals.
    await laptop.shelf.take(await study.publish(() => ({ models: { [model]: { requisition: mapping } } })))
    await laptop.sealer.ask()
    t.equal(laptop.count('outbox'), 0, 'sealed')
    t.match(served(laptop), [
      { pk: '1', requisition: 'R1', action: 'update', fields: { subject: 'S-1', isDrawn: true } },
      { pk: '2', action: 'delete' },
    ])
    t.equal(laptop.manifests()[0]?.requisitions.count, 4)
  },
)

t.test(
  'a document that maps other fields: lines follow it while there is plain text, and never show what it does not map',
  async (t) => {
    const { laptop, map, publish } = await begin(t, mapping)
    await laptop.record(
      line('1', 'insert', { req_id: 'R1', subject_id: 'S-1', screening_id: 'SCR-1', panel: 'FBC' }),
      line('0', 'insert', { subject_id: 'S-0' }),
    )
    await sealBatches(laptop.sealing)
    await laptop.record(
      line('2', 'insert', { req_id: 'R2', subject_id: 'S-2', screening_id: 'SCR-2', panel: 'FBC' }),
      line('1', 'update', { panel: 'CD4' }),
    )
    await map({ identifier: 'req_id', subject: 'screening_id', panel: 'panel', stabilityMinutes: 60 })
    t.same(
      served(laptop).map(({ fields }) => fields),
      [
        { panel: 'CD4', stabilityMinutes: 60 },
        { stabilityMinutes: 60 },
        { subject: 'SCR-2', panel: 'FBC', stabilityMinutes: 60 },
      ],
      'the subject of the sealed one came from a field that is not mapped any more',
    )
    await publish({ models: {} })
    t.same(served(laptop), [])
    t.equal(laptop.status().openLines, 0)
    await map(mapping)
    t.same(
      served(laptop).map(({ fields }) => (fields as { subject: unknown }).subject),
      ['S-1', 'S-0', 'S-2'],
      'mapped as before, all are back',
    )
  },
)

t.test('lines that another program kept under an older document are read again', async (t) => {
  const { laptop, study, map } = await begin(t)
  const older = await TestLaptop.open(t, laptop.device)
  await map(mapping)
  await laptop.sealer.tick()
  await older.record(line('1', 'insert', { req_id: 'R1', subject_id: 'S-1' }))
  t.same(served(laptop), [], 'it knew of no mapping')
  await laptop.sealer.tick()
  t.match(served(laptop), [{ requisition: 'R1', fields: { subject: 'S-1' } }])
  t.ok(study.study)
})

t.test('reading the outbox again changes nothing that was right', async (t) => {
  const { laptop, map } = await begin(t, mapping)
  await laptop.record(
    line('1', 'insert', { req_id: 'R1', subject_id: 'S-1' }),
    line('2', 'insert', { subject_id: 'S-2' }),
  )
  await sealBatches(laptop.sealing)
  await laptop.record(
    line('1', 'update', { panel: 'FBC' }),
    line('2', 'delete', {}),
    line('1', 'update', { panel: 'CD4', drawn: true }),
    line('3', 'insert', { subject_id: 'S-3' }),
    line('3', 'update', { req_id: 'R3' }),
  )
  const before = served(laptop)
  await map({ ...mapping, drawnAt: 'drawn_at' })
  t.same(served(laptop), before)
})
