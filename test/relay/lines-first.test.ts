import t from 'tap'
import { foundTestStudy } from '../fixtures/study.ts'
import { openTestRelay } from './run-relay.ts'
import { StubLaptop } from './stub-laptop.ts'

t.test('twenty laptops at one hotspot: the lines of all come while payloads of the first hang', async (t) => {
  const study = await foundTestStudy()
  await study.publish(() => ({ models: { 'lab.requisition': { requisition: { identifier: 'id' } } } }))
  const relay = await openTestRelay(await study.enrol('relay', 'thabo'))
  const laptops: StubLaptop[] = []
  t.teardown(async () => {
    await relay.close()
    for (const laptop of laptops) await laptop.close()
    study.dispose()
  })
  for (let number = 0; number < 20; number++) {
    const laptop = await StubLaptop.start(await study.enrol('field', `lap-${number}`))
    await laptop.seal(5000)
    laptop.lines = [laptop.line(`r${number}`)]
    laptop.bend = () => 'held'
    laptops.push(laptop)
    relay.peers.hear('127.0.0.1', laptop.port, 'manual')
  }
  await relay.until(() => relay.status().lines === 20)
  const asked = () => laptops.filter(({ offsets }) => offsets.length > 0).length
  await relay.until(() => asked() === 8)
  t.equal(relay.status().batches.aboard.batches, 0, 'no payload is aboard, and every tube can be scanned')
})
