import { spawnSync } from 'node:child_process'
import t from 'tap'
import { cannotUse, dialects } from '../../fixtures/app-databases.ts'
import { type AppWithOutbox, appWithOutbox, put } from '../../fixtures/app-outbox.ts'
import { cannotKillAt, killedAt } from '../../fixtures/killed-at.ts'

const program = new URL('../../fixtures/app-outbox-crash.ts', import.meta.url).pathname
/** So many rows wait at each start. */
const many = 5
/** Between its statements the program does nothing of its own, but after it has read: one of the first is that. */
const readsWithin = 5
t.setTimeout(540_000)

const cache = t.testdir()

/** @returns whether it was killed */
function takeOver({ laptop, database }: AppWithOutbox, when: string, n: number, wrap: string[] = []): boolean {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', program]
  const [command = '', ...args] = [...wrap, ...node, laptop.device.data, database.url, when, String(n)]
  const { status, signal, stdout } = spawnSync(command, args, {
    timeout: 120_000,
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
  const isKilled = signal === 'SIGKILL' || status === 137
  if (!isKilled && status !== 0) throw new Error(`ended with ${status}: ${stdout}`)
  if (/[A-Z]_/.test(stdout.toString())) throw new Error(stdout.toString())
  return isKilled
}

for (const dialect of dialects) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(`${dialect}: killed between any two steps, it loses nothing and doubles nothing`, options, async (t) => {
    const app = await appWithOutbox(t, dialect)
    const ids: string[] = []
    const bad = ['bad-0', 'bad-1']
    for (const id of bad) await put(app.app.query, id, { fields: '{' })
    let kills = 0
    let isKilled = true
    for (let n = 1; isKilled; n += 1) {
      isKilled = false
      for (const when of n <= readsWithin ? ['before', 'after'] : ['before']) {
        await app.app.query('UPDATE waybill_outbox SET taken = 0 WHERE taken = 2')
        await app.app.transaction(async (run) => {
          for (const _ of Array(many)) {
            ids.push(`n-${ids.length}`)
            await put(run, `${ids.at(-1)}`)
          }
        })
        const died = takeOver(app, when, n)
        isKilled ||= died
        kills += died ? 1 : 0
        await checkMarks(t, app)
      }
    }
    t.ok(kills > 9, `killed ${kills} times`)
    t.notOk(takeOver(app, '', 0))
    t.strictSame(app.recorded(), ids, 'invariants 1 and 2: each once, in order')
    t.strictSame(await app.rows(), [0, ids.length, bad.length])
  })
}

t.test('killed at each call that reaches our own disk', { skip: cannotKillAt() ?? false }, async (t) => {
  const app = await appWithOutbox(t, 'sqlite')
  const ids: string[] = []
  let isKilled = true
  let kills = 0
  for (let n = 1; isKilled; n += 1) {
    for (let more = 0; more < many; more += 1) ids.push(`n-${ids.length}`)
    await app.app.transaction(async (run) => {
      for (const id of ids.slice(-many)) await put(run, id)
    })
    isKilled = takeOver(app, '', 0, killedAt(n))
    kills += isKilled ? 1 : 0
    await checkMarks(t, app)
    t.ok(n < 100, `call ${n}`)
  }
  t.ok(kills > 2, `killed ${kills} times`)
  t.strictSame(app.recorded(), ids)
})

/** What is marked as taken is on our disk: never the other way round. */
async function checkMarks(
  t: { strictSame(found: unknown, wanted: unknown, message: string): void },
  app: AppWithOutbox,
) {
  const recorded = new Set(app.recorded())
  const taken = await app.app.query('SELECT change_id FROM waybill_outbox WHERE taken = 1')
  t.strictSame(
    taken.filter(({ change_id }) => !recorded.has(String(change_id))),
    [],
    'what is marked is on disk',
  )
  t.strictSame(recorded.size, app.recorded().length, 'none is doubled')
}
