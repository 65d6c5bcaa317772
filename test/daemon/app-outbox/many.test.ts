import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { cannotUse } from '../../fixtures/app-databases.ts'
import { type AppWithOutbox, appWithOutbox } from '../../fixtures/app-outbox.ts'

const program = new URL('../../fixtures/app-outbox-crash.ts', import.meta.url).pathname
const run = promisify(execFile)
t.setTimeout(540_000)

/** Rows from one number to another, made by the database itself. */
const series = {
  sqlite: 'WITH RECURSIVE s(g) AS (SELECT ? UNION ALL SELECT g + 1 FROM s WHERE g + 1 < ?)',
  postgresql: 'WITH s(g) AS (SELECT generate_series(?::integer, ?::integer - 1))',
  mariadb: 'WITH s AS (SELECT seq g FROM seq_0_to_1000000 WHERE seq >= ? AND seq < ?)',
}
const text = { sqlite: 'TEXT', postgresql: 'text', mariadb: 'char' }

async function putMany({ app }: AppWithOutbox, from: number, to: number): Promise<void> {
  const g = `CAST(g AS ${text[app.dialect]})`
  const concat = app.dialect === 'mariadb' ? `concat('n-', ${g})` : `'n-' || ${g}`
  const rows = `SELECT ${concat}, 'clinic.visit', 'insert', ${g}, '{"note":"${'x'.repeat(400)}"}', '2026-11-01T12:00:00Z' FROM s`
  const into = 'INSERT INTO waybill_outbox (change_id, model, action, pk, fields, recorded_at)'
  const made =
    app.dialect === 'mariadb' ? `${into} ${series.mariadb} ${rows}` : `${series[app.dialect]} ${into} ${rows}`
  await app.query(made, [from, to])
}

/** Takes all over in a process of its own. @returns its largest memory, in MiB */
async function takeOver({ laptop, database }: AppWithOutbox): Promise<number> {
  // As bin/waybill runs it, with less room: what is not let go of does not fit.
  const args = ['--max-semi-space-size=2', '--max-old-space-size=72', '--disable-warning=ExperimentalWarning', program]
  const { stdout } = await run(process.execPath, [...args, laptop.device.data, database.url], {
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
  })
  return (JSON.parse(stdout) as { maxRss: number }).maxRss / 1024
}

for (const dialect of ['sqlite', 'postgresql', 'mariadb'] as const) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(
    `${dialect}: invariant 10: memory does not grow with what waits; each comes once, in order`,
    options,
    async (t) => {
      const app = await appWithOutbox(t, dialect)
      const [first, all] = dialect === 'sqlite' ? [20_000, 120_000] : [10_000, 40_000]
      // Enough that all caches are full.
      await putMany(app, 0, first)
      const few = await takeOver(app)
      await putMany(app, first, all)
      const many = await takeOver(app)
      t.ok(many - few < 40, `${few} MiB with ${first}, ${many} MiB with ${all - first}`)
      t.strictSame(await app.rows(), [0, all, 0])
      const ids = app.recorded()
      t.equal(ids.length, all)
      t.ok(ids.every((id, index) => id === `n-${index}`))
    },
  )
}
