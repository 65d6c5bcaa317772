import t from 'tap'
import { historyOf, readRecord } from '../../server/read-records.ts'
import type { Change } from '../../shared/protocol/change.ts'
import { deriveLine, linesDigest } from '../../shared/specimens/derive-line.ts'
import { changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(60_000)

const before = {
  'clinic.subject': { naturalKey: ['identifier'] },
  'clinic.visit': { naturalKey: ['code'], dependsOn: { subject: 'clinic.subject' } },
  'clinic.crf': { naturalKey: [], dependsOn: { visit: 'clinic.visit' } },
  'clinic.diary': { naturalKey: ['day'], offline: true },
  'clinic.tube': { naturalKey: [], requisition: { identifier: 'tube', panel: 'panel' } },
}
/** Another natural key, one more parent, one fewer; two models are not for offline use any more, one of them is not even named. */
const after = {
  'clinic.subject': { naturalKey: ['site', 'identifier'] },
  'clinic.visit': { naturalKey: ['code'], dependsOn: { subject: 'clinic.subject', room: 'clinic.room' } },
  'clinic.room': { naturalKey: ['number'] },
  'clinic.crf': { naturalKey: [], offline: false },
  'clinic.tube': { naturalKey: [], requisition: { identifier: 'tube', specimenType: 'panel' } },
}

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const [old, other, thabo] = [
  await study.enrol('field', 'old-lap'),
  await study.enrol('field', 'new-lap'),
  await study.enrol('relay', 'thabo'),
]
await study.publish(() => ({ models: before }))
const server = await TestServer.start(t, study.server)
const laptop = await server.laptop(old)
await study.publish(() => ({ models: after }))
const newer = await server.laptop(other)
const [direct, courier, byOther] = [server.as(old), server.as(thabo), server.as(other)]
for (const visitor of [direct, courier, byOther]) await visitor.untilStudy(newer.studyVersion)

const subject = { id: 's', model: 'clinic.subject', pk: 's1', naturalKey: ['S-1'], fields: { identifier: 'S-1' } }
const visit = {
  id: 'v',
  model: 'clinic.visit',
  pk: 'v1',
  naturalKey: ['V-1'],
  fields: { subject: ['S-1'], room: ['R-9'] },
}
const crf = { id: 'c', model: 'clinic.crf', pk: 'c1', fields: { visit: ['V-1'], weight: 61 } }
const diary = { id: 'd', model: 'clinic.diary', pk: 'd1', naturalKey: ['Monday'], fields: {} }
const tube = { id: 'r', model: 'clinic.tube', pk: 'r1', fields: { tube: 'T1', panel: 'cd4' } }

const record = (model: string, pk: string) => server.opened((opened) => readRecord(opened, model, pk))
const states = (model: string, pk: string) =>
  server.opened(async (opened) => {
    const history = await Array.fromAsync(historyOf(opened, model, pk))
    return history.map(({ change: { id }, state, code }) => [id, state, code])
  })

t.test('Records 2 to 4: what an old laptop sealed before applies by what it was sealed under', async (t) => {
  const first = await laptop.batch([crf, visit, diary].map(changeLine))
  t.equal(first.document.studyVersion, newer.studyVersion - 1, 'sealed under the version before')
  await direct.push(first)
  t.match((await server.settled()).records, { waiting: 2, applied: 1, held: 0, quarantined: 0 })
  t.strictSame(
    await states('clinic.visit', 'v1'),
    [['v', 'waiting', 'WAITING_FOR_PARENT']],
    'for its subject; not for a room',
  )

  const lines = [deriveLine(JSON.parse(changeLine(tube)) as Change, { models: before })].filter(
    (line) => line !== undefined,
  )
  const second = await laptop.batch([subject, tube].map(changeLine), { manifest: { requisitions: linesDigest(lines) } })
  await courier.push(second, [(await custodyBy(thabo, second)).jws])
  const { records, alarms, aside } = await server.settled()
  t.match(records, { waiting: 0, applied: 5, held: 0, quarantined: 0 }, 'a driver brought its subject')
  t.strictSame([alarms, aside], [[], []], 'its requisition lines are those of its own version')
  t.match(await record('clinic.subject', 's1'), { naturalKey: ['S-1'] })
  t.match(await record('clinic.visit', 'v1'), { fields: { room: ['R-9'] } })
  t.match(await record('clinic.crf', 'c1'), { fields: { weight: 61 } }, 'not for offline use any more, and here')
  t.match(await record('clinic.diary', 'd1'), { naturalKey: ['Monday'] }, 'not even named any more')
})

t.test('what is sealed since goes by the new one: the same is set aside, waits, is held', async (t) => {
  const again = [subject, visit, crf, diary].map((one) => ({ ...one, id: `${one.id}2`, pk: `${one.pk}-2` }))
  await byOther.push(await newer.batch(again.map(changeLine)))
  t.match((await server.settled()).records, { quarantined: 1, waiting: 1, held: 2 })
  await byOther.push(
    await newer.batch(
      [
        { id: 'room', model: 'clinic.room', pk: 'room', naturalKey: ['R-9'], fields: {} },
        { ...subject, id: 's3', pk: 's3', naturalKey: ['north', 'S-1'] },
      ].map(changeLine),
    ),
  )
  t.match((await server.settled()).records, { quarantined: 1, waiting: 0, held: 2 }, 'its subject is the old laptop’s')
  t.strictSame(await states('clinic.visit', 'v1-2'), [['v2', 'applied', null]])
})

t.test('both laptops edit one record; an exact repeat of what is held applies by the old one’s batch', async (t) => {
  const edit = { ...subject, action: 'update' as const, base: ['s'] }
  await byOther.push(
    await newer.batch([
      changeLine({ ...edit, id: 'e-new', naturalKey: ['north', 'S-1'], fields: { identifier: 'S-1', site: 'north' } }),
    ]),
  )
  await direct.push(
    await laptop.batch([
      changeLine({ ...edit, id: 'e-old', fields: { identifier: 'S-1', initials: 'XY' } }),
      changeLine({ ...crf, id: 'c2', pk: 'c1-2' }),
    ]),
  )
  t.match((await server.settled()).records, { quarantined: 1, waiting: 0, held: 1, conflicts: 1 })
  t.strictSame(await states('clinic.subject', 's1'), [
    ['s', 'applied', null],
    ['e-new', 'applied', null],
    ['e-old', 'applied', null],
  ])
  t.strictSame(await states('clinic.crf', 'c1-2'), [['c2', 'applied', null]])
  await refused(t, record('clinic.diary', 'd1-2'), 'NOT_FOUND', 'what only the new laptop sealed stays held')
})

t.test('a server that starts anew finds the same', async (t) => {
  const found = (await server.status()).records
  await server.stop()
  await server.start()
  t.strictSame((await server.settled()).records, found)
  t.equal(await server.verify(), (await server.status()).counts.opened.batches)
})
