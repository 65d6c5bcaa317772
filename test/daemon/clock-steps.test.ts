import t, { type Test } from 'tap'
import { clockWatcher, doubtAt } from '../../daemon/clock-steps.ts'
import { TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const hour = 3_600_000
const minute = 60_000

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const start = laptop.clock.wall
  let up = 0
  const watch = () => clockWatcher(laptop.store, laptop.clock, () => up)
  /** Time passes; the wall clock is moved besides. */
  const pass = (ms: number, moved = 0) => {
    up += ms
    laptop.clock.wall += ms + moved
  }
  const isDoubtful = (ms: number) => doubtAt(laptop.store, laptop.clock.now())(new Date(start + ms).toISOString())
  return { laptop, watch, pass, isDoubtful }
}

t.test('a clock that goes on as it should, asleep or not, is doubted only of the future', async (t) => {
  const { watch, pass, isDoubtful } = await begin(t)
  const look = watch()
  t.notOk(look())
  pass(minute)
  t.notOk(look())
  pass(9 * hour, 90_000)
  t.notOk(look(), 'waking up, and being set right by a minute and a half, is no step')
  t.notOk(isDoubtful(minute))
  t.notOk(isDoubtful(9 * hour + 3 * minute), 'a little ahead')
  t.ok(isDoubtful(9 * hour + 6 * minute), 'in the future')
  t.notOk(doubtAt((await begin(t)).laptop.store, new Date())('no time'))
})

t.test('a step back: what lies between occurred twice', async (t) => {
  const { watch, pass, isDoubtful } = await begin(t)
  const look = watch()
  look()
  pass(2 * hour, -hour)
  t.ok(look())
  t.notOk(look(), 'noted once')
  t.notOk(isDoubtful(-hour))
  pass(3 * hour)
  t.notOk(look())
  t.ok(isDoubtful(hour + minute))
  t.ok(isDoubtful(2 * hour - minute))
  t.notOk(isDoubtful(2 * hour + minute), 'after it had caught up')
})

t.test(
  'a step forward: what was written before it came from a wrong clock, and what it passed over never was',
  async (t) => {
    const { watch, pass, isDoubtful } = await begin(t)
    const look = watch()
    pass(hour, 5 * hour)
    t.ok(look())
    t.ok(isDoubtful(10 * minute))
    t.ok(isDoubtful(4 * hour))
    pass(hour)
    t.notOk(isDoubtful(6 * hour + 10 * minute))
    t.notOk(isDoubtful(-minute), 'before this program ran')
  },
)

t.test('a program that starts years behind what its clock said before', async (t) => {
  const { laptop, watch, pass, isDoubtful } = await begin(t)
  watch()()
  pass(0, -6 * 365 * 24 * hour)
  const look = watch()
  t.ok(look(), 'noted at its first look')
  pass(minute)
  t.notOk(look())
  t.ok(isDoubtful(-hour), 'it lies between')
  t.ok(doubtAt(laptop.store, laptop.clock.now())(laptop.clock.now().toISOString()), 'and so does now')
  pass(minute, 6 * 365 * 24 * hour)
  t.ok(look(), 'set right')
  pass(hour)
  t.notOk(isDoubtful(30 * minute), 'what is drawn after that is not in doubt')
})

t.test('only the newest contradictions are kept', async (t) => {
  const { laptop, watch, pass } = await begin(t)
  const look = watch()
  for (let step = 0; step < 100; step += 1) {
    pass(minute, step % 2 ? -hour : hour)
    t.ok(look())
  }
  t.equal(laptop.count('clock_steps'), 64)
})
