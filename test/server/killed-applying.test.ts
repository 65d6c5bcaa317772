import t from 'tap'
import { appliedThrough } from '../../server/apply.ts'
import { verifyRecords } from '../../server/verify-records.ts'
import { readRuntime } from '../../shared/service/runtime.ts'
import { Backlog, leftToDo } from '../fixtures/backlog.ts'
import { cannotKillAt, killedAt, seeded } from '../fixtures/killed-at.ts'
import { startMortal } from '../fixtures/mortal-server.ts'
import { atServer } from '../fixtures/server-run.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(180_000)

const calls = 'pwrite64,fsync,fdatasync,rename'
const deaths = 4
t.test(
  'invariants 2 and 3: a server killed again and again while it applies ends where one ends that was not',
  { skip: cannotKillAt() ?? false },
  async (t) => {
    const seed = 20_261_125
    const random = seeded(seed)
    const backlog = await Backlog.make(t)
    const calm = await backlog.finished(t, backlog.copy('calm'))
    t.strictSame(calm.verdicts, backlog.expected(), 'the naive model says so as well')
    t.strictSame(calm.wrong, [])
    t.equal(new Set(calm.ids).size, calm.ids.length)
    let halfway = 0
    for (const name of ['first', 'second']) {
      const device = backlog.copy(name)
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
      t.strictSame(await backlog.finished(t, device), calm, `seed ${seed}, killed at ${points}`)
    }
    t.ok(halfway > deaths, `${halfway} of ${2 * deaths} times half of it was applied`)
  },
)
