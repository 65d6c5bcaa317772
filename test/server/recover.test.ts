import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { atTerminal } from '../../server/actor.ts'
import { publishSettings } from '../../server/publish-settings.ts'
import { recoverServer } from '../../server/recover.ts'
import { revokeDevice } from '../../server/revoke-device.ts'
import { deviceOf, readIdentity } from '../../shared/crypto/identity.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { deriveLine, linesDigest } from '../../shared/specimens/derive-line.ts'
import { readKit } from '../../study/found.ts'
import { settingsOf } from '../../study/settings.ts'
import { type CraftedBatch, changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'

const models = { 'lab.requisition': { requisition: { identifier: 'id', panel: 'panel' } } }

/** A study with a history, whose server then is lost with all that it had. */
async function lostStudy(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const other = await study.enrol('field', 'lap-02')
  const thief = await study.enrol('field', 'lap-03')
  const thabo = await study.enrol('relay', 'thabo')
  await study.publish(() => ({ models, people: [{ id: 'p1', name: 'Naledi', role: 'ra' }] }))
  const lost = await TestServer.start(t, study.server)
  const [inForce, older] = await lost.opened(({ shelf }) => [shelf.document, shelf.jws] as const)
  const brought: Array<{ by: TestDevice; batch: CraftedBatch; path: string[] }> = []
  for (const [index, device] of [lap, other, lap, other].entries()) {
    const laptop = await lost.laptop(device)
    const requisition = changeLine({ id: `r-${index}`, model: 'lab.requisition', fields: { id: 'R', panel: 'CD4' } })
    const line = deriveLine(JSON.parse(requisition), inForce)
    const manifest = { requisitions: linesDigest(line ? [line] : []) }
    const first = await laptop.batch([requisition, changeLine({ id: `v-${index}` })], { manifest })
    const second = await laptop.batch([changeLine({ id: `w-${index}` })])
    brought.push({ by: device, batch: first, path: [] })
    brought.push({ by: thabo, batch: second, path: [(await custodyBy(thabo, second)).jws] })
  }
  for (const device of [lap, other, thabo]) await lost.as(device).meet()
  await bringAll(lost, brought)
  const before = contents(await lost.feed())
  const deliveries = (await lost.as(lap).meet()).deliveries
  await lost.opened((opened) => revokeDevice({ ...opened, clock: systemClock }, atTerminal(), 'lap-03', 'stolen'))
  const document = await lost.opened(({ shelf }) => shelf.jws)
  await lost.stop()
  const data = join(study.directory, 'new-server')
  await recoverServer(readKit(study.kitPath), data, systemClock)
  const identity = readIdentity(data)
  const server = await TestServer.start(t, { data, identity, device: deviceOf(identity) })
  const publish = study.publish
  return { study, lap, other, thief, thabo, server, brought, before, deliveries, document, older, publish }
}

async function bringAll(server: TestServer, brought: Array<{ by: TestDevice; batch: CraftedBatch; path: string[] }>) {
  for (const { by, batch, path } of brought) await server.as(by).push(batch, path)
  await server.settled()
}

function contents(feed: Array<{ change: unknown; producer: string }>): string[] {
  return feed.map(({ change, producer }) => `${producer} ${JSON.stringify(change)}`).sort()
}

t.test('a lost server is rebuilt from the recovery kit and from what the laptops still have', async (t) => {
  const { study, lap, other, thabo, server, brought, before, deliveries, document, older } = await lostStudy(t)
  rmSync(study.server.data, { recursive: true })
  for (const device of [lap, other]) await server.as(device).meet({ studyDocument: document })
  await server.as(thabo).meet({ studyDocument: older })
  const answer = await server.as(lap).meet({ deliveries })
  t.same(answer.deliveries, [], "what the lost server signed is not this server's")
  t.match(answer.incarnation, { number: 1 })
  await bringAll(server, brought.toReversed())
  t.same(contents(await server.feed()), before, 'the same changes')
  const { counts, alarms } = await server.status()
  t.match(counts, { held: { batches: 0 }, quarantined: { batches: 0 }, opened: { batches: 8 }, badLines: 0 })
  t.same(alarms, [], 'requisition lines are checked by each study version that anyone still has')
  t.equal(await server.verify(), 8)
})

t.test('before the study document is shown, the data comes all the same', async (t) => {
  const { thabo, server, brought, before } = await lostStudy(t)
  await server.as(thabo).meet()
  await bringAll(server, brought)
  t.same(contents(await server.feed()), before, 'invariant 1: never refused for want of configuration')
  const { alarms } = await server.status()
  t.equal(alarms.length, 1, 'one alarm says what could not be checked')
  t.match(alarms[0], /^lines:version-\d+/)
})

t.test('a recovered server adopts settings, devices and revocations, once', async (t) => {
  const { study, lap, thief, thabo, server, document, publish } = await lostStudy(t)
  const own = deviceOf(server.device.identity)
  const shelf = () => server.opened((opened) => opened.shelf.document)
  t.ok(await server.as(thief).meet(), 'what it has not heard of it cannot refuse')
  t.ok(await server.as(lap).meet({ studyDocument: 'eyJh.eyJh.AAAA' }), 'what is no document spoils no meeting')
  t.ok(await server.as(lap).meet({ studyDocument: document }))
  const adopted = await shelf()
  t.match(adopted, { models, servers: [own], people: [{ id: 'p1' }] })
  for (const device of [lap, thief, thabo]) t.ok(adopted.devices[device.device], 'its devices')
  t.ok(adopted.devices[own], 'and itself')
  t.ok(adopted.recipients.some(({ holder }) => holder === 'recovery'))
  await refused(t, server.as(thief).meet(), 'REVOKED', 'the stolen one')
  const { version } = adopted
  await server.as(thabo).meet({ studyDocument: document })
  t.equal((await shelf()).version, version, 'shown again it changes nothing')

  const settings = { ...settingsOf(adopted), people: [{ id: 'p2', name: 'Kago', role: 'ra' }] }
  await server.opened((opened) => publishSettings({ ...opened, clock: systemClock }, settings))
  await server.as(lap).untilStudy(version + 1)
  await publish(({ revocations }) => ({
    people: [],
    revocations: [...revocations, { device: thabo.device, chains: [], reason: 'left' }],
    minimumEpoch: { central: 3 },
  }))
  const newer = await publish(() => ({}))
  await server.as(lap).meet({ studyDocument: newer })
  const merged = await shelf()
  t.same(merged.people, settings.people, 'what a person published here since stays')
  t.same(merged.revocations.map(({ device }) => device).sort(), [thief.device, thabo.device].sort(), 'each once')
  t.same(merged.minimumEpoch, { central: 3 })
  await refused(t, server.as(thabo).meet(), 'REVOKED', 'revoked meanwhile by the lost one')
  t.equal(readDocument(newer, 'study').document.servers[0], study.server.device)
  t.equal(await server.verify(), 0)
})

t.test('a server that was not lost adopts nothing from another one', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const server = await TestServer.start(t, study.server)
  const data = join(study.directory, 'second')
  await recoverServer(readKit(study.kitPath), data, systemClock)
  await refused(
    t,
    recoverServer(readKit(study.kitPath), data, systemClock),
    'DATA_OCCUPIED',
    'never over another device',
  )
  const before = (await server.status()).studyVersion
  await server.as(lap).meet({ studyDocument: 'eyJh.eyJh.AAAA' })
  t.equal((await server.status()).studyVersion, before)
})
