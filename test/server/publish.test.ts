import t from 'tap'
import { atTerminal } from '../../server/actor.ts'
import { publishSettings } from '../../server/publish-settings.ts'
import { revokeDevice } from '../../server/revoke-device.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { settingsOf } from '../../study/settings.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const server = await TestServer.start(t, study.server)
const publish = (settings: unknown) =>
  server.opened((opened) => publishSettings({ ...opened, clock: systemClock }, settings))
const settings = settingsOf(await server.opened(({ shelf }) => shelf.document))
const versionNow = async () => (await server.status()).studyVersion

t.test('invariant 6: a field that names a person is never made readable', async (t) => {
  const before = await versionNow()
  for (const field of [
    'initials',
    'birth_date',
    'dob',
    'gender',
    'sex',
    'first_name',
    'last_name',
    'omang',
    'identity',
  ]) {
    const models = { 'lab.requisition': { naturalKey: ['id'], requisition: { identifier: 'id', panel: field } } }
    const error = await refused(t, publish({ ...settings, models }), 'STUDY_DOCUMENT_INVALID', field)
    t.match(error.message, new RegExp(`/models/lab.requisition/requisition/panel.*${field}`), 'it is named')
  }
  t.equal(await versionNow(), before, 'nothing was published')
})

t.test('what a person may not set is refused, each field by its name', async (t) => {
  const before = await versionNow()
  for (const more of [
    { servers: [] },
    { revocations: [] },
    { version: 99 },
    { devices: {} },
    { recipients: [] },
    { x: 1 },
  ])
    await refused(t, publish({ ...settings, ...more }), 'STUDY_DOCUMENT_INVALID', Object.keys(more).join())
  const { name, ...without } = settings
  const error = await refused(
    t,
    publish({ ...without, limits: { ...settings.limits, batchChanges: 0 } }),
    'STUDY_DOCUMENT_INVALID',
    name,
  )
  t.match(error.message, /\/name.*\/limits\/batchChanges/s, 'all of them at once')
  for (const none of [null, 5, 'x', []]) await refused(t, publish(none), 'STUDY_DOCUMENT_INVALID', JSON.stringify(none))
  t.equal(await versionNow(), before)
})

t.test('two publishers at once: one comes after the other, and neither is lost', async (t) => {
  const before = await versionNow()
  await Promise.all([
    ...Array.from({ length: 5 }, (_, index) => publish({ ...settings, name: `name ${index}` })),
    ...Array.from({ length: 5 }, (_, index) => study.enrol('field', `at-once-${index}`)),
  ])
  t.equal(await versionNow(), before + 10)
  const { devices } = await server.opened(({ shelf }) => shelf.document)
  const names = Object.values(devices).map(({ name }) => name)
  for (let index = 0; index < 5; index += 1) t.ok(names.includes(`at-once-${index}`))
  await server.as(lap).untilStudy(before + 10)
  t.equal(await server.verify(), 0, 'each names the one before it')
})

t.test('what cannot be published is refused before it is signed', async (t) => {
  const revoke = (named: string, reason: string) =>
    server.opened((opened) => revokeDevice({ ...opened, clock: systemClock }, atTerminal(), named, reason))
  await refused(t, revoke('lap-01', ''), 'BAD_ARGUMENT', 'no reason')
  await refused(t, revoke('lap-01', 'r'.repeat(201)), 'BAD_ARGUMENT', 'a reason too long for the document')
  await refused(t, revoke('nobody', 'lost'), 'NOT_FOUND', 'nobody')
  await refused(t, revoke('server', 'lost'), 'ROLE_REFUSED', 'this server')
  t.ok(await server.as(lap).meet(), 'it still runs')
  await server.stop()
  await server.start()
  t.ok(await server.as(lap).meet(), 'and starts')
  t.match(await revoke(lap.device, 'lost'), { device: lap.device, chains: [], reason: 'lost' }, 'by its id')
})
