import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { cannotUse, dialects } from '../fixtures/app-databases.ts'
import { makeInbox, rowOf, type ServedApp, servedApp, subjectLine, withoutPosition } from '../fixtures/app-inbox.ts'
import { changeLine } from '../fixtures/craft-batch.ts'

t.setTimeout(300_000)
const mortalSink = join(import.meta.dirname, '../fixtures/mortal-sink.ts')

/** Every state of the feed stands in the app's table once, in order. */
async function sameAsFeed(t: Test, { rows, states }: ServedApp, why: string): Promise<void> {
  t.strictSame((await rows()).map(withoutPosition), (await states()).map(rowOf), why)
}

for (const dialect of dialects) {
  t.test(
    `${dialect}: what records show, each state once, in order`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      const served = await servedApp(t, dialect)
      const { give, sink, rows } = served
      await sink()
      t.strictSame(await rows(), [], 'nothing yet')
      await give(
        subjectLine('s1', 'S-1', { fields: { subject_identifier: 'key-S-1', note: 'Ünï ? \0 \u{1f9ea} \'"`\\' } }),
        changeLine({ id: 'v1', pk: 'x'.repeat(200), user: 'nu\0l', fields: { subject: ['key-S-1'], weight: 1e300 } }),
        subjectLine('s2', 'S-1', { action: 'update', fields: { subject_identifier: 'key-S-1', note: null } }),
      )
      await sink()
      const first = await rows()
      t.equal(first.length, 3)
      t.match(first[1], { made_by: 'nu\ufffdl' }, 'PostgreSQL takes no character of number 0')
      t.strictSame(JSON.parse(String(first[0]?.fields)), (await served.states())[0]?.fields, 'JSON spells it')
      await give(subjectLine('s3', 'S-1', { action: 'delete', fields: {} }))
      await sink()
      await sink()
      const all = await rows()
      t.strictSame(all.slice(0, 3), first)
      t.match(all[3], { state: 'deleted', change_id: 's3', applied: 0 })
      t.equal(all.length, 4)
    },
  )

  t.test(
    `${dialect}: invariant 2, killed before any step, and gone on`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      const served = await servedApp(t, dialect)
      const { study, database, app, give, sink } = served
      await give(subjectLine('s1', 'S-1'), subjectLine('s2', 'S-1', { action: 'update', fields: { note: 'two' } }))
      let deaths = 0
      for (let n = 1, isAlive = false; !isAlive; n += 1) {
        await app.query('DELETE FROM waybill_inbox')
        await app.query('DELETE FROM waybill_position')
        const { signal, status, stderr } = spawnSync(
          process.execPath,
          [mortalSink, study.server.data, database.url, `${n}`],
          { encoding: 'utf8' },
        )
        isAlive = status === 0
        if (!isAlive) t.equal(signal, 'SIGKILL', `step ${n}: ${stderr}`)
        else await sameAsFeed(t, served, 'nobody died')
        deaths += Number(!isAlive)
        await sink()
        await sameAsFeed(t, served, `killed before step ${n}`)
      }
      t.ok(deaths >= 8, `${deaths} places to die`)
    },
  )

  t.test(
    `${dialect}: two sinks at once write each state once`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      const served = await servedApp(t, dialect)
      const { database, give, sink } = served
      for (let count = 0; count < 6; count++)
        await give(
          ...Array.from({ length: 200 }, (_, index) =>
            subjectLine(`s${count}-${index}`, `S-${index}`, { fields: { count } }),
          ),
        )
      const tries = await Promise.allSettled([1, 2, 3].map(() => sinkPatiently(() => sink(database.connect()))))
      t.strictSame(
        tries.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'fulfilled'],
      )
      t.equal((await served.rows()).length, 1200)
      await sameAsFeed(t, served, 'three wrote')
    },
  )

  t.test(
    `${dialect}: without its tables nothing is written, and it is said; with them all is`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      const served = await servedApp(t, dialect)
      const { app, give, sink } = served
      await give(subjectLine('s1', 'S-1'))
      await app.query('DROP TABLE waybill_position')
      await t.rejects(sink(), { code: 'APP_DATABASE_FAILED' })
      await makeInbox(app)
      await app.query('DROP TABLE waybill_inbox')
      await t.rejects(sink(), { code: 'APP_DATABASE_FAILED' })
      await makeInbox(app)
      await sink()
      await sameAsFeed(t, served, 'the position had not moved')
    },
  )
}

/** Whoever finds the database held tries again, as the running sink does. */
async function sinkPatiently(sink: () => Promise<void>): Promise<void> {
  for (;;)
    try {
      return await sink()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'APP_DATABASE_BUSY')) throw error
    }
}
