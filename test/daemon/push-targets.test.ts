import t from 'tap'
import { PushTargets } from '../../daemon/push-targets.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { TestClock } from '../fixtures/daemon-laptop.ts'

const logger = createLogger('daemon', 'silent')
const second = 1_000

/** Targets whose attempts fail or succeed as the test says, and what was tried since it was last asked. */
function begin(fixed: string[] = []) {
  const clock = new TestClock()
  const targets = new PushTargets(fixed, clock, logger)
  let tried: string[] = []
  const failing = new Set<string>()
  const attempt = async (host: string, port: number) => {
    tried.push(`${host}:${port}`)
    if (failing.has(`${host}:${port}`)) throw new WaybillError('PEER_UNREACHABLE', 'nobody answered')
  }
  const after = async (ms: number): Promise<string[]> => {
    clock.pass(ms)
    tried = []
    await targets.tryAll(attempt)
    return tried
  }
  return { targets, failing, after, clock }
}

t.test('a server that does not answer is tried less and less often, and never given up', async (t) => {
  const { failing, after } = begin(['10.0.0.1:7460'])
  failing.add('10.0.0.1:7460')
  t.same(await after(0), ['10.0.0.1:7460'], 'at once')
  const waits: number[] = []
  for (let waited = 0; waits.length < 10; waited += second / 4) {
    if ((await after(second / 4)).length === 0) continue
    waits.push(waited)
    waited = -second / 4
  }
  const limits = [4, 8, 16, 32, 64, 120, 120, 120, 120, 120].map((seconds) => seconds * second)
  t.ok(
    waits.every((wait, index) => wait <= (limits[index] ?? 0) && wait >= (limits[index] ?? 0) / 2 - second),
    JSON.stringify(waits),
  )
  failing.clear()
  t.same(await after(120 * second), ['10.0.0.1:7460'])
  t.same(await after(second), [])
  t.same(await after(second), ['10.0.0.1:7460'], 'once it answers, it is met often')
})

t.test(
  'one that is heard again after a silence or a goodbye is tried at once; one that goes on announcing is not',
  async (t) => {
    const { targets, failing, after } = begin()
    const one = '10.0.0.2:7460'
    failing.add(one)
    targets.heard(one)
    t.same(await after(0), [one])
    for (let failures = 0; failures < 4; failures += 1) {
      for (let heard = 0; heard < 60; heard += 1) {
        targets.heard(one)
        await after(2 * second)
      }
    }
    targets.heard(one)
    t.same(await after(0), [], 'it is announced all the time, and does not answer')
    await after(16 * second)
    targets.heard(one)
    t.same(await after(0), [one], 'it was silent')
    targets.gone(one)
    t.same(await after(600 * second), [], 'it said goodbye')
    targets.heard(one)
    t.same(await after(0), [one])
  },
)

t.test('a goodbye does not end an address that a person gave', async (t) => {
  const { targets, failing, after } = begin(['10.0.0.3:7460'])
  failing.add('10.0.0.3:7460')
  await after(0)
  targets.gone('10.0.0.3:7460')
  t.same(await after(120 * second), ['10.0.0.3:7460'])
})

t.test('invariant 10: strangers without number neither grow the list nor keep a server out', async (t) => {
  const { targets, failing, after } = begin(['10.0.0.4:7460'])
  const strangers = Array.from({ length: 500 }, (_, index) => `10.1.${index >> 8}.${index & 255}:7460`)
  for (const stranger of strangers) {
    failing.add(stranger)
    targets.heard(stranger)
  }
  const tried = await after(0)
  t.equal(tried.length, 64)
  t.equal(tried[0], '10.0.0.4:7460', 'the known one first')
  targets.heard('10.0.0.5:7460')
  t.ok((await after(second)).includes('10.0.0.5:7460'), 'one that failed makes room')
})
