import { mock } from 'node:test'
import t from 'tap'
import { createLogger } from '../../../shared/service/logger.ts'
import { repeat } from '../../../shared/service/repeat.ts'

// Its timer keeps no program alive: here something else must.
const alive = setInterval(() => {}, 1000)
t.teardown(() => clearInterval(alive))
const silent = createLogger('test', 'silent')
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

/** Work of which the test decides when it ends, and which remembers how often it ran, and how often at once. */
function steered() {
  const seen = { runs: 0, now: 0, most: 0 }
  let end = () => {}
  let begun = Promise.withResolvers<void>()
  const work = async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    end = resolve
    seen.runs += 1
    seen.most = Math.max(seen.most, ++seen.now)
    begun.resolve()
    begun = Promise.withResolvers<void>()
    await promise
    seen.now -= 1
  }
  return { seen, work, end: () => end(), begins: () => begun.promise }
}

t.test('work begins at once, never twice at once, and again right after when it was asked for meanwhile', async (t) => {
  const { seen, work, end, begins } = steered()
  const first = begins()
  const repeated = repeat(3_600_000, silent, work)
  await first
  for (let n = 0; n < 5; n += 1) repeated.soon()
  await turns(5)
  t.strictSame(seen, { runs: 1, now: 1, most: 1 }, 'not while it runs')
  const second = begins()
  end()
  await second
  t.equal(seen.runs, 2, 'five wishes, one run')
  end()
  await turns(5)
  t.equal(seen.runs, 2, 'and then it waits its hour')
  const third = begins()
  repeated.soon()
  await third
  t.strictSame(seen, { runs: 3, now: 1, most: 1 })
  const stopping = repeated.stop()
  let isStopped = false
  stopping.then(() => {
    isStopped = true
  })
  await turns(5)
  t.equal(isStopped, false, 'a stop waits for what runs')
  end()
  await stopping
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  repeated.soon()
  mock.timers.tick(2 * 3_600_000)
  await turns(5)
  t.equal(seen.runs, 3, 'nothing begins after a stop')
})

t.test('what fails is logged and goes on, whether it throws at once or later', async (t) => {
  const logged: unknown[] = []
  const logger = { ...silent, error: ({ err }: { err: Error }) => logged.push(err.message) } as unknown as typeof silent
  const { promise: fifth, resolve } = Promise.withResolvers<void>()
  let runs = 0
  const repeated = repeat(0, logger, () => {
    runs += 1
    if (runs === 5) resolve()
    if (runs % 2 === 0) throw new Error(`at once ${runs}`)
    return Promise.reject(new Error(`later ${runs}`))
  })
  await fifth
  await repeated.stop()
  t.strictSame(logged.slice(0, 4), ['later 1', 'at once 2', 'later 3', 'at once 4'])
})
