import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextRound } from 'node:timers/promises'
import t from 'tap'
import { openStore } from '../../server/open-store.ts'
import { Precedence } from '../../server/precedence.ts'
import { batchesType } from '../../shared/protocol/batch-frame.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { Backlog } from '../fixtures/backlog.ts'
import { changeLine, frameOf } from '../fixtures/craft-batch.ts'
import { Ingested, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(120_000)

const never = 2 ** 31 - 1

/** Whether it has ended by the time that everything else had its turn a few times. */
async function hasEnded(work: Promise<unknown>): Promise<boolean> {
  let ended = false
  work.finally(() => {
    ended = true
  })
  for (let round = 0; round < 5; round++) await nextRound()
  return ended
}

t.test('where nothing goes before, work goes on after a turn for whoever waits', async (t) => {
  const first = new Precedence(never)
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  await first.letPass()
  t.equal(turns, 1)
  await first.during(async () => undefined)
  t.ok(await hasEnded(first.letPass()))
})

t.test('work stands back until what goes before has ended, well or not', async (t) => {
  for (const error of [undefined, new Error('the disk is full')]) {
    const first = new Precedence(never)
    const opening = Promise.withResolvers<string>()
    const opened = first.during(() => opening.promise)
    const turn = first.letPass()
    t.notOk(await hasEnded(turn), 'it waits')
    if (error) opening.reject(error)
    else opening.resolve('all is open')
    await turn
    if (error) await t.rejects(opened, error)
    else t.equal(await opened, 'all is open')
  }
})

t.test('what does not end holds other work up for a while, not for ever', async (t) => {
  const first = new Precedence(1)
  first.during(() => new Promise(() => undefined))
  await first.letPass()
  t.pass('a step could be done')
})

/** Of a second: a step is put off for one, and no clock of a timer is early by more. */
const nearly = 0.95

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000
}

function lines(count: number): string[] {
  return Array.from({ length: count }, () => changeLine({ id: randomUUID(), naturalKey: [] }))
}

t.test(
  'while a driver brings batches, opening and applying what came before wait a second for each step',
  async (t) => {
    const study = await foundTestStudy()
    t.teardown(() => study.dispose())
    await study.publish(() => ({ models: { 'clinic.visit': { naturalKey: [] } } }))
    const [lap, other] = [await study.enrol('field', 'lap-01'), await study.enrol('field', 'lap-02')]
    const server = await TestServer.start(t, study.server)
    const laptop = await server.laptop(lap)
    await server.as(lap).push(await laptop.batch(lines(1)))
    await server.settled()
    const slow = await (await server.laptop(other)).batch([changeLine({ id: 'slow', naturalKey: [] })])
    const rest = Promise.withResolvers<void>()
    async function* halting() {
      yield frameOf(slow)
      await rest.promise
    }
    const upload = server.as(other).client.send(paths.batches, batchesType, halting(), Ingested, 100_000)
    const payloads = new PayloadStore(join(study.server.data, 'payloads'))
    await until('the driver has begun', () => payloads.has(slow.document.payload.digest))

    const frames: Buffer[] = []
    while (frames.length < 33) frames.push(frameOf(await laptop.batch(lines(40))))
    await server.as(lap).frames(...frames)
    const began = performance.now()
    await until('they are opened', () => server.sql('SELECT 1 FROM changes').length === 33 * 40 + 1)
    const opened = secondsSince(began)
    t.ok(opened > 2 * nearly, `three transactions of 16 batches at most after ${opened} s`)
    await server.settled()
    const applied = secondsSince(began)
    t.ok(applied > 3 * nearly, `a thousand and then the rest applied after ${applied} s`)
    rest.resolve()
    t.equal((await upload).taken.length, 1, 'and what was brought meanwhile is taken')
    t.equal((await server.settled()).records.applied, 33 * 40 + 2)
  },
)

t.test('while batches are opened, applying waits a second for each step', async (t) => {
  const backlog = await Backlog.make(t)
  const device = backlog.copy('opening')
  const stopped = await waitingPayload(device.data)
  // Who reads a pipe waits until somebody has written to it.
  rmSync(stopped)
  execFileSync('mkfifo', [stopped])
  const began = performance.now()
  const server = await TestServer.start(t, device)
  const [{ last } = { last: 0 }] = server.sql<{ last: number }>('SELECT max(position) last FROM changes')
  const steps = Math.ceil(last / 1000)
  t.ok(steps > 1, `${last} changes are opened and not applied`)
  const through = "SELECT 1 FROM facts WHERE key = 'appliedThrough' AND CAST(value AS INTEGER) >= ?"
  await until('they are applied', () => server.sql(through, last).length === 1)
  const applied = secondsSince(began)
  t.ok(applied > (steps - 1) * nearly, `${steps} steps after ${applied} s`)
  closeSync(openSync(stopped, 'w'))
  await until('opening goes on', () => server.sql("SELECT 1 FROM batches WHERE state = 'ingested'").length === 0)
})

/** Where the payload is of a batch that waits to be opened. */
async function waitingPayload(data: string): Promise<string> {
  const store = openStore(data)
  const digest = store.$client
    .prepare<[], string>("SELECT payload_digest FROM batches WHERE state = 'ingested' ORDER BY ordinal LIMIT 1")
    .pluck()
    .get()
  store.$client.close()
  return new PayloadStore(join(data, 'payloads')).pathOf(`${digest}`)
}
