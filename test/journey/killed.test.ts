import t, { type Test } from 'tap'
import { Day, type RunningProgram } from '../fixtures/day.ts'
import { cannotKillAt, killedAt, seeded } from '../fixtures/killed-at.ts'
import type { TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const seed = Number(process.env.WAYBILL_TEST_SEED ?? 20_261_124)
const kills = 4
/** Small batches: many calls that reach the disk. */
const batchChanges = 10
const why = cannotKillAt()
const options = why === undefined ? {} : { skip: why }

t.comment(`seed ${seed} (WAYBILL_TEST_SEED)`)

t.test('a field laptop killed while it seals, again and again', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 1)
  await day.start(day.server)
  await day.start(relay)
  const [victim, other] = laptops
  await day.start(other, ['--no-push'])
  await killAgain(t, day, victim, laptops, draw, ['--no-push'])
  await finish(day, laptops, relay)
})

t.test('a relay killed while it pulls', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 2)
  for (const laptop of laptops) await day.start(laptop, ['--no-push'])
  await killAgain(t, day, relay, laptops, draw)
  await day.start(day.server)
  await finish(day, laptops, relay)
})

t.test('a relay killed while it forwards', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 3)
  for (const laptop of laptops) await day.start(laptop, ['--no-push'])
  await day.start(day.server)
  await killAgain(t, day, relay, laptops, draw)
  await finish(day, laptops, relay)
})

t.test('a server killed while it takes in and opens', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 4)
  for (const laptop of laptops) await day.start(laptop)
  await day.start(relay)
  await killAgain(t, day, day.server, laptops, draw)
  await finish(day, laptops, relay)
})

async function begin(t: Test, salt: number) {
  const day = await Day.begin(t)
  await day.study.publish(({ limits }) => ({ limits: { ...limits, batchChanges } }))
  const laptops = [await day.study.enrol('field', 'lap-01'), await day.study.enrol('field', 'lap-02')] as const
  const relay = await day.study.enrol('relay', 'driver')
  return { day, laptops, relay, draw: seeded(seed + salt) }
}

/** Starts the victim again and again, each time with new work, to die at a drawn call. Then it may live. */
async function killAgain(
  t: Test,
  day: Day,
  victim: TestDevice,
  laptops: readonly TestDevice[],
  draw: (below: number) => number,
  flags: string[] = [],
) {
  let died = 0
  for (let kill = 0; kill < kills; kill += 1) {
    for (const laptop of laptops) await day.record(laptop, 300)
    const program = day.spawn(victim, flags, killedAt(2 + draw(16)))
    if (await dies(program)) died += 1
    await program.kill()
  }
  t.ok(died > kills / 2, `${died} of ${kills} died at a drawn call`)
  await day.start(victim, flags)
}

/** One that has done all its work before that call lives on. */
async function dies(program: RunningProgram): Promise<boolean> {
  const deadline = performance.now() + 20_000
  await until('it dies or is done', () => !program.isRunning() || performance.now() > deadline)
  return !program.isRunning()
}

async function finish(day: Day, laptops: readonly TestDevice[], relay: TestDevice): Promise<void> {
  for (const laptop of laptops) await day.record(laptop, 10)
  await day.untilDelivered(...laptops)
  await day.expectEachOnce()
  await day.end()
  await day.expectVerified(day.server, relay, ...laptops)
}
