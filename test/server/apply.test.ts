import t from 'tap'
import { headsOf, historyOf, listRecords, readRecord } from '../../server/read-records.ts'
import { readStates } from '../../server/read-states.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
await study.publish(() => ({
  models: {
    'clinic.subject': { naturalKey: ['subject'] },
    'clinic.visit': { naturalKey: ['subject', 'visit'], dependsOn: { subject: 'clinic.subject' } },
    'clinic.crf': { naturalKey: [], dependsOn: { visit: 'clinic.visit' } },
  },
}))
const [lap, other] = [await study.enrol('field', 'lap-01'), await study.enrol('field', 'lap-02')]
const server = await TestServer.start(t, study.server)
const [direct, byOther] = [server.as(lap), server.as(other)]

const states = async () => server.opened((opened) => Array.fromAsync(readStates(opened)))
const record = async (model: string, pk: string) => server.opened((opened) => readRecord(opened, model, pk))

t.test('a record is what the newest change of its chain says, and the feed of states tells each', async (t) => {
  const laptop = await server.laptop(lap)
  const subject = { model: 'clinic.subject', pk: 's1', naturalKey: ['S-1'] }
  await direct.push(await laptop.batch([changeLine({ id: 'a1', ...subject, fields: { age: 30 } })]))
  await direct.push(
    await laptop.batch([
      changeLine({ id: 'a2', ...subject, action: 'update', fields: { age: 31 } }),
      changeLine({ id: 'a3', ...subject, action: 'update', fields: { age: 32 } }),
    ]),
  )
  const { records } = await server.settled()
  t.match(records, { toApply: 0, applied: 3, conflicts: 0 })
  t.match(await record('clinic.subject', 's1'), {
    state: 'present',
    fields: { age: 32 },
    change: 'a3',
    conflict: false,
  })
  t.same(
    (await states()).map(({ pk, state, change }) => [pk, state, change]),
    [
      ['s1', 'present', 'a1'],
      ['s1', 'present', 'a2'],
      ['s1', 'present', 'a3'],
    ],
  )
  await direct.push(await laptop.batch([changeLine({ id: 'a4', ...subject, action: 'delete', fields: {} })]))
  await server.settled()
  t.match(await record('clinic.subject', 's1'), { state: 'deleted', change: 'a4' })
})

t.test('a child waits for its parent, whoever brings it, and is applied by itself', async (t) => {
  const [mine, theirs] = [await server.laptop(lap), await server.laptop(other)]
  const crf = { id: 'c1', model: 'clinic.crf', pk: 'c1', fields: { visit: ['S-2', '1000'], weight: 61 } }
  const visit = { id: 'v1', model: 'clinic.visit', pk: 'v1', naturalKey: ['S-2', '1000'], fields: { subject: 's2' } }
  await direct.push(await mine.batch([changeLine(crf), changeLine(visit)]))
  t.match((await server.settled()).records, { waiting: 2 })
  await refused(t, record('clinic.crf', 'c1'), 'NOT_FOUND', 'it is not shown')
  const before = (await states()).length
  await byOther.push(
    await theirs.batch([changeLine({ id: 's2', model: 'clinic.subject', pk: 's2', naturalKey: ['S-2'], fields: {} })]),
  )
  t.match((await server.settled()).records, { waiting: 0 })
  t.same(
    (await states()).slice(before).map(({ pk }) => pk),
    ['s2', 'v1', 'c1'],
    'parents before children',
  )
})

t.test('two laptops that do not know of each other make a conflict; all of it is in the history', async (t) => {
  const [mine, theirs] = [await server.laptop(lap), await server.laptop(other)]
  const subject = { model: 'clinic.subject', pk: 's9', naturalKey: ['S-9'] }
  await direct.push(await mine.batch([changeLine({ id: 'm1', ...subject, fields: { age: 1 } })]))
  await byOther.push(await theirs.batch([changeLine({ id: 'm2', ...subject, action: 'update', fields: { age: 2 } })]))
  t.match((await server.settled()).records, { conflicts: 1 })
  const heads = await server.opened((opened) => headsOf(opened, 'clinic.subject', 's9'))
  t.same(
    heads.map(({ change, isShown }) => [change.id, isShown]),
    [
      ['m1', true],
      ['m2', false],
    ],
    'what inserted it is shown',
  )
  const resolution = { id: 'm3', ...subject, action: 'update' as const, base: ['m1', 'm2'], fields: { age: 3 } }
  await direct.push(await mine.batch([changeLine(resolution)]))
  t.match((await server.settled()).records, { conflicts: 0 })
  const history = await server.opened((opened) => Array.fromAsync(historyOf(opened, 'clinic.subject', 's9')))
  t.same(
    history.map(({ change, state, isHead, producer }) => [change.id, state, isHead, producer]),
    [
      ['m1', 'applied', false, lap.device],
      ['m2', 'applied', false, other.device],
      ['m3', 'applied', true, lap.device],
    ],
  )
})

t.test('a model that nobody published is held, and applied once it is', async (t) => {
  const laptop = await server.laptop(lap)
  const late = { id: 'l1', model: 'clinic.late', pk: 'l1', naturalKey: ['L', 1] }
  await direct.push(await laptop.batch([changeLine(late), changeLine({ ...late, id: 'l2', naturalKey: ['L'] })]))
  t.match((await server.settled()).records, { held: 2 })
  await study.publish(({ models }) => ({ models: { ...models, 'clinic.late': { naturalKey: ['a', 'b'] } } }))
  await until('it is released', async () => (await server.settled()).records.held === 0)
  t.match((await server.status()).records, { held: 0, quarantined: 1 })
  const all = await server.opened((opened) => Array.fromAsync(listRecords(opened, 'clinic.late', '', 10)))
  t.same(
    all.map(({ change, naturalKey }) => [change, naturalKey]),
    [['l1', ['L', 1]]],
  )
})
