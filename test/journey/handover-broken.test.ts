import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openLaptop } from '../../commands/open-laptop.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { readRuntime } from '../../shared/service/runtime.ts'
import { Day, type RunningProgram } from '../fixtures/day.ts'
import { draw, handoverSettings, Side } from '../fixtures/handover-side.ts'
import { startInProcess } from '../fixtures/in-process.ts'
import { loseAnswers } from '../fixtures/lose-answers.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.test('answers of every door are lost: nothing is lost and nothing is doubled', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  await study.publish(() => handoverSettings)
  const [laptop, thabo] = [await study.enrol('field', 'lap-01'), await study.enrol('relay', 'thabo')]
  const labels = ['LOST001', 'LOST002', 'LOST003', 'LOST004']
  await draw(laptop, labels)
  const field = await Side.open(laptop, await startInProcess(t, laptop, systemClock))
  const relay = await Side.open(thabo, await startInProcess(t, thabo, systemClock))
  await until('the list is here', async () => (await relay.expected(laptop)) === labels.length)
  const id = await relay.begin(laptop)
  const lost = loseAnswers(t)
  // A page asks again as a person would press again; what was done the first time is then answered as done.
  const again = async <T>(act: () => Promise<T>): Promise<T> => act().catch(() => again(act))
  for (const label of labels) await again(() => relay.scan(id, label))
  await again(() => field.untilState(id, ...labels.map((label) => `${label} present`)))
  await again(() => field.sign(id))
  await relay.untilView(id, 'one signed', ({ signed }) => signed === 'one')
  await again(() => relay.sign(id))
  for (const side of [field, relay]) await side.untilView(id, 'closed', ({ isClosed }) => isClosed)
  t.ok((lost.get('POST /v1/handover') ?? 0) > 2, `answers of the exchange were lost: ${lost.get('POST /v1/handover')}`)
  t.same(
    await again(() => relay.states(id)),
    labels.map((label) => `${label} present`),
  )
})

t.test('either program is killed at every step, and both go on', async (t) => {
  const day = await Day.begin(t)
  await day.study.publish(() => handoverSettings)
  const [laptop, thabo] = [await day.study.enrol('field', 'lap-01'), await day.study.enrol('relay', 'thabo')]
  await draw(laptop, ['KILL001', 'KILL002', 'KILL003'])
  const field = new Killed(t, day, laptop, ['--no-push'])
  const relay = new Killed(t, day, thabo)
  await field.again()
  await relay.again()
  await until('the list is here', async () => (await relay.side.expected(laptop)) === 3)
  const id = await relay.side.begin(laptop)
  await relay.again()
  await relay.side.scan(id, 'KILL001')
  await relay.again()
  await field.side.untilState(id, 'KILL001 present')
  await field.again()
  await field.side.scan(id, 'KILL002')
  await field.again()
  await relay.side.untilState(id, 'KILL001 present', 'KILL002 present', 'KILL003 notYetScanned')
  await field.side.sign(id)
  await field.again()
  await relay.side.untilView(id, 'one signed', ({ signed }) => signed === 'one')
  await relay.again()
  await relay.side.sign(id)
  await relay.again()
  for (const { side } of [field, relay])
    await side.untilView(id, 'both signed', ({ signed, isClosed }) => signed === 'both' && isClosed)
  await field.again()
  t.same(await field.side.states(id), ['KILL001 present', 'KILL002 present', 'KILL003 notYetScanned'])
  await until('the rest is expected', async () => (await relay.side.expected(laptop)) === 1)
  await day.end()
  await day.expectVerified(laptop, thabo)
  const { store, close } = await openLaptop(laptop.data)
  t.equal(store.$client.prepare<[], { n: number }>('SELECT count(*) n FROM desk_signatures').get()?.n, 2)
  close()
})

/** A program that is killed and started again, with a page of its own. */
class Killed {
  side!: Side
  readonly #t: Test
  readonly #day: Day
  readonly #device: TestDevice
  readonly #flags: string[]
  #program: RunningProgram | undefined

  constructor(t: Test, day: Day, device: TestDevice, flags: string[] = []) {
    this.#t = t
    this.#day = day
    this.#device = device
    this.#flags = flags
  }

  async again(): Promise<void> {
    await this.#program?.kill()
    // What the killed one left says where it listened.
    rmSync(join(this.#device.data, 'runtime.json'), { force: true })
    this.#program = await this.#day.start(this.#device, this.#flags)
    this.side = await Side.open(this.#device, { ports: readRuntime(this.#device.data)?.ports ?? {} })
    this.#t.ok(this.#program.isRunning(), `${this.#device.identity.name} runs`)
  }
}
