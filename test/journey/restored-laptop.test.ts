import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLaptop } from '../../commands/open-laptop.ts'
import { openServer } from '../../commands/open-server.ts'
import { daemonStatus } from '../../daemon/status.ts'
import { serverStatus } from '../../server/status.ts'
import { Day } from '../fixtures/day.ts'
import { fastClock, startInProcess } from '../fixtures/in-process.ts'
import type { TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const clock = fastClock(50)
const patient = { deadlineMs: 90_000 }

t.test(
  'a laptop restored from an old disk goes on in a new chain, and what was delivered is known as that',
  async (t) => {
    const { day, laptop, relay } = await restored(t)
    // 50 changes make no full batch: nothing is sealed before someone is met.
    await day.record(laptop, 50)
    await startInProcess(t, relay, clock)
    await startInProcess(t, laptop, clock)
    await until(
      'all that is on this disk is delivered',
      async () => (await counts(laptop)).delivered.changes === 650,
      patient,
    )
    await day.expectEachOnce()
    await day.expectVerified(day.server, laptop, relay)
  },
)

t.test(
  'one that sealed before it met anyone has forked: both branches are held, nothing is called delivered, the rest flows',
  async (t) => {
    const { day, laptop, relay } = await restored(t)
    await day.record(laptop, 500)
    const alone = await startInProcess(t, laptop, clock)
    await until(
      'a full batch is sealed under a used number',
      async () => (await counts(laptop)).sealed.changes === 500,
      patient,
    )
    await startInProcess(t, relay, clock)
    await until('the server holds the fork', async () => (await atServer(day.server)).held.changes >= 500, patient)
    await day.record(laptop, 30)
    await until(
      'what came after flows in a new chain',
      async () => (await counts(laptop)).delivered.changes >= 30,
      patient,
    )
    const now = await counts(laptop)
    t.ok(now.withDriver.changes + now.atServer.changes >= 500, 'invariant 9: the forked batch is not called delivered')
    t.equal(now.safe.changes, 0, 'invariant 1: nothing of it may be deleted')
    await alone.close()
    await day.expectVerified(day.server, laptop, relay)
  },
)

/** The laptop's disk is as it was when a driver had taken 600 changes; the server has 1,300. */
async function restored(t: Parameters<typeof Day.begin>[0]) {
  const day = await Day.begin(t)
  const laptop = await day.study.enrol('field', 'lap-01')
  const relay = await day.study.enrol('relay', 'driver')
  await day.record(laptop, 600)
  let field = await startInProcess(t, laptop, clock)
  const courier = await startInProcess(t, relay, clock)
  await until('the driver has taken all', async () => (await counts(laptop)).withDriver.changes === 600, patient)
  await field.close()
  const disk = join(day.study.directory, 'old-disk')
  cpSync(laptop.data, disk, { recursive: true })
  field = await startInProcess(t, laptop, clock)
  await startInProcess(t, day.server, clock)
  await day.record(laptop, 700)
  await day.untilDelivered(laptop)
  await field.close()
  await courier.close()
  rmSync(laptop.data, { recursive: true })
  cpSync(disk, laptop.data, { recursive: true })
  return { day, laptop, relay }
}

async function counts({ data }: TestDevice) {
  const { store, identity, shelf, close } = await openLaptop(data)
  const now = daemonStatus(store, data, identity, shelf.document).counts
  close()
  return now
}

async function atServer({ data }: TestDevice) {
  const { store, identity, shelf, close } = await openServer(data)
  const now = serverStatus(store, data, identity, shelf.document).counts
  close()
  return now
}
