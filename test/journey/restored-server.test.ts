import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLaptop } from '../../commands/open-laptop.ts'
import { openServer } from '../../commands/open-server.ts'
import { daemonStatus } from '../../daemon/status.ts'
import { backUp } from '../../server/backup.ts'
import { incarnation } from '../../server/incarnation.ts'
import { serverStatus } from '../../server/status.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { settingsOf } from '../../study/settings.ts'
import { Day } from '../fixtures/day.ts'
import { fastClock, startInProcess } from '../fixtures/in-process.ts'
import type { TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const clock = fastClock(50)
const patient = { deadlineMs: 90_000 }

t.test('a server restored from an old backup, while the laptop has pruned what a newer one held', async (t) => {
  const day = await Day.begin(t)
  await day.study.publish((document) => ({ limits: { ...settingsOf(document).limits, retentionHours: 0 } }))
  const laptop = await day.study.enrol('field', 'lap-01')
  const keeper = await day.study.enrol('relay', 'driver-1')
  const relay = await day.study.enrol('relay', 'driver-2')
  const disk = join(day.study.directory, 'backups')
  const untilLaptop = (what: string, holds: (counts: Awaited<ReturnType<typeof laptopCounts>>) => boolean) =>
    until(what, async () => holds(await laptopCounts(laptop)), patient)
  let server = await startInProcess(t, day.server, clock)
  const running = await startInProcess(t, relay, clock)
  const field = await startInProcess(t, laptop, clock)

  await day.record(laptop, 600)
  await day.untilDelivered(laptop)
  const first = await backup(day.server, disk)
  await server.close()
  await day.record(laptop, 700)
  // This driver pulled, and did not come to the clinic before the disaster.
  const kept = await startInProcess(t, keeper, clock)
  await until('the driver holds what is new', async () => (await carriedBy(laptop, keeper)) === 700, patient)
  await kept.close()
  server = await startInProcess(t, day.server, clock)
  await day.untilDelivered(laptop)
  await backup(day.server, disk)
  await untilLaptop('the laptop knows that all is safe', ({ safe }) => safe.changes === 1300)
  await field.close()
  await startInProcess(t, laptop, clock)
  await untilLaptop('the laptop has pruned', ({ pruned }) => pruned.changes === 1300)

  await running.close()
  await server.close()
  restore(day.server, first.path, disk)
  server = await startInProcess(t, day.server, clock)
  const again = await startInProcess(t, relay, clock)
  await until('the server knows that it was restored', async () => (await life(day.server)).number === 2, patient)
  await untilLaptop('invariant 9: the laptop says what the clinic lost', ({ missing }) => missing.changes === 700)
  await until('the gap shows at the server', async () => (await missingAt(day.server)) > 0, patient)
  await again.close()

  await startInProcess(t, keeper, clock)
  await day.untilDelivered(laptop)
  await day.record(laptop, 5)
  await day.untilDelivered(laptop)
  await day.expectEachOnce()
  await day.expectVerified(day.server, laptop, keeper, relay)
})

async function backup({ data }: TestDevice, disk: string) {
  const opened = await openServer(data)
  const context = { ...opened, clock: systemClock }
  const made = await backUp(context, disk, () => undefined)
  opened.close()
  return made
}

/** As the manual says: the directory of the backup, and the payloads beside it. */
function restore({ data }: TestDevice, path: string, disk: string): void {
  rmSync(data, { recursive: true })
  cpSync(path, data, { recursive: true })
  cpSync(join(disk, 'payloads'), join(data, 'payloads'), { recursive: true })
}

async function laptopCounts({ data }: TestDevice) {
  const { store, identity, shelf, close } = await openLaptop(data)
  const { counts } = daemonStatus(store, data, identity, shelf.document)
  close()
  return counts
}

/** How many undelivered changes the courier has signed for. */
async function carriedBy({ data }: TestDevice, courier: TestDevice): Promise<number> {
  const { store, identity, shelf, close } = await openLaptop(data)
  const { couriers } = daemonStatus(store, data, identity, shelf.document)
  close()
  return couriers.find(({ device }) => device === courier.device)?.changes ?? 0
}

async function life({ data }: TestDevice) {
  const { store, close } = await openServer(data)
  const now = incarnation(store)
  close()
  return now
}

async function missingAt({ data }: TestDevice): Promise<number> {
  const { store, identity, shelf, close } = await openServer(data)
  const { chains } = serverStatus(store, data, identity, shelf.document)
  close()
  return chains.reduce((sum, { missing }) => sum + missing.length, 0)
}
