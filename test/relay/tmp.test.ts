import t from 'tap'
import { foundTestStudy } from '../fixtures/study.ts'
import { openTestRelay } from './run-relay.ts'
import { StubLaptop } from './stub-laptop.ts'
import { StubServer } from './stub-server.ts'

t.test('a laptop, the relay, a server, and back', async (t) => {
  const study = await foundTestStudy()
  await study.publish(() => ({ models: { 'lab.requisition': { requisition: { identifier: 'id', panel: 'panel' } } } }))
  const laptop = await StubLaptop.start(await study.enrol('field', 'lap-01'))
  const relayDevice = await study.enrol('relay', 'thabo')
  const server = await StubServer.start(study.server)
  const relay = await openTestRelay(relayDevice)
  t.teardown(async () => {
    await relay.close()
    await laptop.close()
    await server.close()
    study.dispose()
  })
  for (let count = 0; count < 130; count++) await laptop.seal(5000)
  laptop.lines = [laptop.line('r1')]

  relay.peers.hear('127.0.0.1', laptop.port, 'manual')
  t.comment(performance.now())
  await relay.until(() => laptop.custody.size === 130 && relay.status().peers[0]?.state === 'upToDate')
  t.equal(relay.status().batches.aboard.batches, 130, 'pulled is aboard, not delivered')
  t.equal(relay.status().batches.delivered.batches, 0)

  relay.peers.hear('127.0.0.1', server.port, 'manual')
  t.comment(performance.now())
  await relay.until(() => relay.status().batches.forwarded.batches === 130)
  t.equal(server.held.size, 130)
  t.ok(
    [...server.held.values()].every(({ frames }) => frames === 1),
    'each was sent once',
  )
  t.equal(relay.status().receiptsToBringBack, 1)

  t.comment(performance.now())
  await relay.until(() => laptop.meetings.some(({ custody }) => custody.length === 130))
  await server.deliver(laptop.device.device, laptop.chain, 130)
  t.comment(performance.now())
  await relay.until(() => relay.status().batches.delivered.batches === 130)
  t.comment(performance.now())
  await relay.until(() => laptop.meetings.some(({ deliveries }) => deliveries.length === 1))
  t.comment(performance.now())
  await relay.until(() => relay.status().receiptsToBringBack === 0)
  t.equal(relay.status().lines, 1)
})
