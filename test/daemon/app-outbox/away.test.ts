import { renameSync } from 'node:fs'
import t from 'tap'
import { readAppDatabaseUrl } from '../../../shared/app-database/app-database-url.ts'
import { openAppDatabase } from '../../../shared/app-database/open-app-database.ts'
import { systemClock } from '../../../shared/service/clock.ts'
import { cannotUse } from '../../fixtures/app-databases.ts'
import { appWithOutbox, put } from '../../fixtures/app-outbox.ts'
import { FaultyWay } from '../../fixtures/faulty-way.ts'
import { MortalDatabase } from '../../fixtures/mortal-database.ts'

for (const dialect of ['postgresql', 'mariadb'] as const) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(
    `${dialect}: the database goes away and comes back: told honestly, and everything comes once`,
    options,
    async (t) => {
      const { app, database, reader, recorded } = await appWithOutbox(t, dialect)
      const url = readAppDatabaseUrl(database.url)
      const way = await FaultyWay.to(t, url.host, url.port)
      const through = openAppDatabase({ ...url, port: way.port })
      t.teardown(() => through.close())
      let ms = 0
      const statements = { count: 0 }
      const counting = new MortalDatabase(through, statements, '', 0)
      const { tick, problems } = reader({ app: counting, clock: { ...systemClock, monotonic: () => ms } })
      await put(app.query, 'a')
      t.match(await tick(), { state: 'reading', waiting: 0 })
      await way.cut()
      await put(app.query, 'b')
      ms += 120_000
      t.match(await tick(), { state: 'away', since: /^2/, problem: { code: 'APP_DATABASE_AWAY' } })
      const asked = statements.count
      for (const until = ms + 300_000; ms < until; ms += 1_000) await tick()
      t.ok(statements.count - asked < 15, `asked ${statements.count - asked} times in five minutes`)
      t.strictSame(problems, ['APP_DATABASE_AWAY'], 'told once')
      await way.mend()
      ms += 61_000
      t.match(await tick(), { state: 'reading', since: null, problem: null })
      t.strictSame(recorded(), ['a', 'b'])
    },
  )
}

t.test('sqlite: the file is away, is put back as an older copy, and is read again: known, not doubled', async (t) => {
  const { app, database, reader, recorded, rows } = await appWithOutbox(t, 'sqlite')
  const { tick } = reader()
  await put(app.query, 'a')
  await tick()
  const path = readAppDatabaseUrl(database.url).database
  renameSync(path, `${path}.away`)
  t.match(await tick(), { state: 'away', problem: { message: /is not there/ } })
  renameSync(`${path}.away`, path)
  await app.query('UPDATE waybill_outbox SET taken = 0')
  await put(app.query, 'b')
  t.match(await tick(), { state: 'reading', waiting: 0 })
  t.strictSame(recorded(), ['a', 'b'])
  t.strictSame(await rows(), [0, 2, 0])
})

for (const journal of ['WAL', 'DELETE']) {
  t.test(`sqlite, ${journal}: while the app holds its database, what was committed before is taken over`, async (t) => {
    const { app, database, reader, recorded, rows } = await appWithOutbox(t, 'sqlite')
    await app.query(`PRAGMA journal_mode = ${journal}`)
    const { tick } = reader()
    const ids = Array.from({ length: 1_200 }, (_, n) => `n-${n}`)
    await app.transaction(async (run) => {
      for (const id of ids) await put(run, id)
    })
    await database.connect().transaction(async (run) => {
      await put(run, 'open')
      t.match(await tick(), { state: 'busy', waiting: 0, problem: { code: 'APP_DATABASE_BUSY' } })
      t.strictSame(recorded(), ids, 'more than a page')
      t.strictSame(await rows(), [1_200, 0, 0], 'not marked yet')
    })
    t.match(await tick(), { state: 'reading', waiting: 0 })
    t.strictSame(recorded(), [...ids, 'open'])
    t.strictSame(await rows(), [0, 1_201, 0])
    const [mode] = await app.query('PRAGMA journal_mode')
    t.equal(mode?.journal_mode, journal.toLowerCase(), 'the app’s own journal mode stays')
  })
}
