import t, { type Test } from 'tap'
import { Day, type RunningProgram } from '../fixtures/day.ts'
import { cannotKillAt, killedAt, seeded } from '../fixtures/killed-at.ts'
import type { TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const seed = Number(process.env.WAYBILL_TEST_SEED ?? 20_261_124)
const kills = 5
const why = cannotKillAt()
const options = why === undefined ? {} : { skip: why }

t.comment(`seed ${seed} (WAYBILL_TEST_SEED)`)

t.test('a field laptop killed while it seals, again and again', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 1)
  await day.start(day.server)
  await day.start(relay)
  await day.start(laptops[1] as TestDevice, ['--no-push'])
  await killAgain(day, laptops[0] as TestDevice, draw, ['--no-push'])
  await finish(day, laptops, relay)
})

t.test('a relay killed while it pulls', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 2)
  for (const laptop of laptops) await day.start(laptop, ['--no-push'])
  await killAgain(day, relay, draw)
  await day.start(day.server)
  await finish(day, laptops, relay)
})

t.test('a relay killed while it forwards', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 3)
  for (const laptop of laptops) await day.start(laptop, ['--no-push'])
  await day.start(day.server)
  await killAgain(day, relay, draw)
  await finish(day, laptops, relay)
})

t.test('a server killed while it takes in and opens', options, async (t) => {
  const { day, laptops, relay, draw } = await begin(t, 4)
  for (const laptop of laptops) await day.start(laptop)
  await day.start(relay)
  await killAgain(day, day.server, draw)
  await finish(day, laptops, relay)
})

async function begin(t: Test, salt: number) {
  const day = await Day.begin(t)
  const laptops = [await day.study.enrol('field', 'lap-01'), await day.study.enrol('field', 'lap-02')]
  const relay = await day.study.enrol('relay', 'driver')
  for (const laptop of laptops) await day.record(laptop, 3000)
  return { day, laptops, relay, draw: seeded(seed + salt) }
}

/** Starts the victim again and again, each time to die at a drawn call; each time there is new work. Then it may live. */
async function killAgain(day: Day, victim: TestDevice, draw: (below: number) => number, flags: string[] = []) {
  for (let kill = 0; kill < kills; kill += 1) {
    const program = day.spawn(victim, flags, killedAt(2 + draw(40)))
    await untilEnded(program, kill)
  }
  await day.start(victim, flags)
}

/** One that has nothing more to write lives on: then it is killed where it stands. */
async function untilEnded(program: RunningProgram, kill: number): Promise<void> {
  const deadline = performance.now() + 8_000
  await until(`kill ${kill}`, () => !program.isRunning() || performance.now() > deadline)
  await program.kill()
}

async function finish(day: Day, laptops: TestDevice[], relay: TestDevice): Promise<void> {
  for (const laptop of laptops) await day.record(laptop, 10)
  await day.untilDelivered(...laptops)
  await day.expectEachOnce()
  await day.end()
  await day.expectVerified(day.server, relay, ...laptops)
}
