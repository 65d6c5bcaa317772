import t, { type Test } from 'tap'
import { releaseBatch } from '../../server/decide-batches.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { type CraftedBatch, frameOf } from '../fixtures/craft-batch.ts'
import { forkedChain } from '../fixtures/forked-chain.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

t.setTimeout(120_000)

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const device = await study.enrol('field', 'lap-01')
  const courier = await study.enrol('relay', 'thabo')
  await study.publish(() => ({ models: { 'clinic.visit': { label: 'Visit' } } }))
  const server = await TestServer.start(t, study.server)
  const direct = server.as(device)
  await direct.meet()
  const push = async (...batches: CraftedBatch[]) => {
    for (const batch of batches) await direct.push(batch)
    await server.settled()
  }
  const pushAtOnce = async (...batches: CraftedBatch[]) => {
    await direct.frames(...batches.map((batch) => frameOf(batch)))
    await server.settled()
  }
  /** What the server says of each to a courier that offers them. */
  const told = async (...batches: CraftedBatch[]) => {
    const { held } = await server.as(courier).offer(batches.map(({ digest }) => ({ digest, receipt: null })))
    return batches.map(({ digest }) => held.find((batch) => batch.digest === digest)?.delivered)
  }
  const release = (batch: CraftedBatch) =>
    server.opened((opened) =>
      releaseBatch({ ...opened, clock: systemClock }, { user: 'naledi', reason: 'seen' }, batch.digest),
    )
  return { device, server, push, pushAtOnce, told, release }
}

t.test('delivered is what is opened, below a gap or above it', async (t) => {
  const { device, server, push, told } = await begin(t)
  const [first, second, third, fourth] = await (await server.laptop(device)).batches(4)
  if (!first || !second || !third || !fourth) throw new Error('four batches')
  await push(first, second, fourth)
  t.same(await told(first, second, third, fourth), [true, true, undefined, true])
})

t.test('of a fork: the branch that the receipt names, and what is before it', async (t) => {
  const { device, server, push, told, release } = await begin(t)
  const { trunk, a, b } = await forkedChain(server, device)
  await push(...trunk, ...a)
  await push(...b)
  t.same(await told(...trunk, ...a, ...b), [true, true, true, true, false, false], 'what was opened before stays')
  await release(b[0])
  await server.settled()
  t.same(await told(...trunk, ...a, ...b), [true, true, true, true, false, false], 'one branch is named, for good')
})

t.test('of a fork that came at once: neither branch, then the one that a person released', async (t) => {
  const { device, server, push, pushAtOnce, told, release } = await begin(t)
  const { trunk, a, b } = await forkedChain(server, device)
  await push(...trunk)
  await pushAtOnce(a[0], b[0], a[1], b[1])
  t.same(await told(...trunk, ...a, ...b), [true, true, false, false, false, false])
  await release(b[0])
  await server.settled()
  t.same(await told(...trunk, ...a, ...b), [true, true, false, false, true, true])
})
