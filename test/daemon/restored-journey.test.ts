import t, { type Test } from 'tap'
import { openServer } from '../../commands/open-server.ts'
import { readFeed } from '../../server/feed.ts'
import { writeIdentity } from '../../shared/crypto/identity.ts'
import { TestLaptop } from '../fixtures/daemon-laptop.ts'
import { fastClock, startInProcess } from '../fixtures/in-process.ts'
import { foundTestStudy, type TestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

/** More than a meeting shows at once. */
const lost = 60

/** A laptop with 3 batches, that sealed 60 more before its disk was put back. */
async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const server = await startInProcess(t, study.server, fastClock(20))
  const device = await study.enrol('field', 'lap-01')
  await writeIdentity(device.data, { ...device.identity, addresses: [`127.0.0.1:${server.ports.port}`] })
  const laptop = await TestLaptop.open(t, device)
  await laptop.sealed('a', 'b', 'c')
  const image = await laptop.image()
  await laptop.sealed(...Array.from({ length: lost }, (_, index) => `lost-${index}`))
  return { study, laptop, image }
}

function figures(laptop: TestLaptop) {
  return {
    delivered: laptop.those('delivered').length,
    batches: laptop.batches().length,
    followers: laptop.count('followers'),
  }
}

async function feedOf({ server }: TestStudy): Promise<string[]> {
  const opened = await openServer(server.data)
  const ids = (await Array.fromAsync(readFeed(opened))).map(({ change }) => (change as { id: string }).id)
  opened.close()
  return ids.sort()
}

async function finish(t: Test, { study, laptop }: { study: TestStudy; laptop: TestLaptop }): Promise<void> {
  const tell = () => JSON.stringify(figures(laptop))
  await until('the old batches are proven', () => figures(laptop).delivered >= 3, { tell })
  t.equal(laptop.count('followers'), lost, 'every lost batch was shown')
  await laptop.record({ id: 'new', model: 'clinic.visit', action: 'insert', pk: 1 })
  await until('what is recorded now is delivered', () => figures(laptop).delivered === 4)
  t.match(laptop.manifests().at(-1), { seq: 1, continues: { seq: 3 + lost } })
  t.same(
    await feedOf(study),
    ['a', 'b', 'c', 'new', ...Array.from({ length: lost }, (_, index) => `lost-${index}`)].sort(),
  )
  t.equal(await laptop.verify(), 4)
}

t.test('a restored laptop proves its old batches on the direct route', async (t) => {
  const { study, laptop, image } = await begin(t)
  const first = await startInProcess(t, laptop.device, fastClock(20), { push: true })
  await until('all is delivered', () => figures(laptop).delivered === 3 + lost)
  await first.close()
  await laptop.restore(image)
  await startInProcess(t, laptop.device, fastClock(20), { push: true })
  await finish(t, { study, laptop })
})

t.test('a restored laptop proves its old batches by a courier', async (t) => {
  const { study, laptop, image } = await begin(t)
  const relay = await study.enrol('relay', 'driver')
  await startInProcess(t, relay, fastClock(20))
  const first = await startInProcess(t, laptop.device, fastClock(20))
  await until('all is delivered', () => figures(laptop).delivered === 3 + lost)
  await first.close()
  await laptop.restore(image)
  await startInProcess(t, laptop.device, fastClock(20))
  await finish(t, { study, laptop })
})
