import t from 'tap'
import { type CraftedBatch, custodyBy } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const thabo = await study.enrol('relay', 'thabo')
const server = await TestServer.start(t, study.server)
const [direct, byThabo] = [server.as(lap), server.as(thabo)]

function metBy(by: string) {
  return server.sql<{ seq: number; unsealed: number; at: string }>(
    'SELECT seq, unsealed, at FROM meetings WHERE device = ? AND by = ?',
    ...[lap.device, by],
  )
}

t.test('whoever met a laptop last, and what it said then, is remembered, in whatever order it is told', async (t) => {
  await byThabo.meet()
  const laptop = await server.laptop(lap)
  const [first, second] = (await laptop.batches(2)) as [CraftedBatch, CraftedBatch]
  const { chain } = laptop
  const late = await custodyBy(thabo, second, {
    ...{ head: { chain, seq: 4, unsealed: 9 }, at: '2026-11-23T10:00:00.000Z' },
  })
  const early = await custodyBy(thabo, first, {
    ...{ head: { chain, seq: 1, unsealed: 3 }, at: '2026-11-24T10:00:00.000Z' },
  })
  await byThabo.push(second, [late.jws])
  await byThabo.push(first, [early.jws])
  t.same(metBy(thabo.device), [{ seq: 4, unsealed: 9, at: '2026-11-23T10:00:00.000Z' }], 'numbers count, not clocks')
})

t.test('a laptop that comes itself is met by the server, with each word of its own', async (t) => {
  const { chain } = await server.laptop(lap)
  await direct.meet({ head: { chain, seq: 2, unsealed: 7 } })
  t.match(metBy(study.server.device), [{ seq: 2, unsealed: 7 }])
  await direct.meet({ head: { chain, seq: 2, unsealed: 0 } })
  t.match(metBy(study.server.device), [{ seq: 2, unsealed: 0 }])
})
