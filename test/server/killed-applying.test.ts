import { cpSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { appliedThrough } from '../../server/apply.ts'
import { currentRecords } from '../../server/current-records.ts'
import { openStore } from '../../server/open-store.ts'
import { verifyRecords } from '../../server/verify-records.ts'
import { readRuntime } from '../../shared/service/runtime.ts'
import { Backlog } from '../fixtures/backlog.ts'
import { cannotKillAt, killedAt, seeded } from '../fixtures/killed-at.ts'
import { startMortal } from '../fixtures/mortal-server.ts'
import { readVerdicts, wrongInFeed } from '../fixtures/read-verdicts.ts'
import { atServer, TestServer } from '../fixtures/server-run.ts'
import type { TestDevice } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(180_000)

const calls = 'pwrite64,fsync,fdatasync,rename'
const deaths = 4
/** What was not published when it was opened is held until applying reads it again. */
const left = `SELECT (SELECT count(*) FROM batches WHERE state = 'ingested') + (SELECT count(*) FROM freed)
  + (SELECT count(*) FROM rechecks) + (SELECT count(*) FROM rereads NATURAL JOIN changes)
  + (SELECT count(*) FROM aside_changes WHERE model = 'clinic.late' AND code = 'MODEL_UNREGISTERED')
  + (SELECT count(*) FROM changes WHERE position > ?)`

function leftToDo({ data }: TestDevice): number {
  const store = openStore(data)
  try {
    return Number(store.$client.prepare(left).pluck().get(appliedThrough(store)))
  } finally {
    store.$client.close()
  }
}

/** All that a server tells of its records. */
async function told(device: TestDevice, backlog: Backlog) {
  return atServer(device, async (opened) => {
    const { store } = opened
    const records = []
    for await (const { cursor: _, ...record } of currentRecords(opened)) records.push(record)
    const counts = store.$client.prepare('SELECT name, value FROM counts ORDER BY name').all()
    return { verdicts: readVerdicts(store, backlog.keys), records, counts, wrong: wrongInFeed(store) }
  })
}

/** A server of its own that has what the backlog's has. */
function copyOf({ study }: Backlog, name: string): TestDevice {
  const data = join(study.directory, name)
  cpSync(study.server.data, data, { recursive: true })
  return { ...study.server, data }
}

/** It applies all that is left. */
async function finished(t: Test, device: TestDevice, backlog: Backlog) {
  const server = await TestServer.start(t, device)
  await until('all is applied', () => leftToDo(device) === 0)
  const batches = await server.verify()
  const ids = (await server.feed()).map(({ change }) => (change as { id: string }).id)
  await server.stop()
  return { ...(await told(device, backlog)), batches, ids }
}

t.test(
  'invariants 2 and 3: a server killed again and again while it applies ends where one ends that was not',
  { skip: cannotKillAt() ?? false },
  async (t) => {
    const seed = 20_261_125
    const random = seeded(seed)
    const backlog = await Backlog.make(t)
    const calm = await finished(t, copyOf(backlog, 'calm'), backlog)
    t.strictSame(calm.verdicts, backlog.expected(), 'the naive model says so as well')
    t.strictSame(calm.wrong, [])
    t.equal(new Set(calm.ids).size, calm.ids.length)
    let halfway = 0
    for (const name of ['first', 'second']) {
      const device = copyOf(backlog, name)
      const points: number[] = []
      for (let death = 0; death < deaths; death += 1) {
        const n = 60 + random(330)
        points.push(n)
        const mortal = await startMortal(t, device, killedAt(n, calls))
        await until('it is dead, or has nothing left', () => mortal.isDead() || leftToDo(device) === 0)
        const died = mortal.isDead()
        await mortal.end()
        await until('it is gone', () => readRuntime(device.data) === undefined)
        const through = await atServer(device, ({ store }) => {
          verifyRecords(store)
          return appliedThrough(store)
        })
        if (died && through > 0 && leftToDo(device) > 0) halfway += 1
      }
      t.strictSame(await finished(t, device, backlog), calm, `seed ${seed}, killed at ${points}`)
    }
    t.ok(halfway > deaths, `${halfway} of ${2 * deaths} times half of it was applied`)
  },
)
