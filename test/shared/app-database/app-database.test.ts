import { renameSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import t from 'tap'
import { placeholders } from '../../../shared/app-database/app-database.ts'
import { placeOf, readAppDatabaseUrl, withPasswordFile } from '../../../shared/app-database/app-database-url.ts'
import { openAppDatabase } from '../../../shared/app-database/open-app-database.ts'
import { WaybillError } from '../../../shared/service/errors.ts'
import { cannotUse, dialects, ownDatabase } from '../../fixtures/app-databases.ts'
import { FaultyWay } from '../../fixtures/faulty-way.ts'

const bytes = { sqlite: 'blob', postgresql: 'bytea', mariadb: 'blob' }

for (const dialect of dialects) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(`${dialect}: values go in and come out as they are`, options, async (t) => {
    const app = (await ownDatabase(t, dialect)).connect()
    await app.query(`CREATE TABLE kept (n bigint PRIMARY KEY, words text, raw ${bytes[dialect]}, small smallint)`)
    const words = 'Ke a leboga \u{1f600} \' " \\ ; DROP -- %s'
    await app.query('INSERT INTO kept VALUES (?, ?, ?, ?)', [4_294_967_296, words, Buffer.from([0, 255, 39]), 1])
    await app.query('INSERT INTO kept VALUES (?, ?, ?, ?)', [2, '', null, 0])
    const found = await app.query(`SELECT * FROM kept WHERE n IN (${placeholders([1, 2])}) ORDER BY n`, [
      ...[4_294_967_296, 2],
    ])
    t.strictSame(found[0], { n: 2, words: '', raw: null, small: 0 })
    t.match(found[1], { n: 4_294_967_296, words, small: 1 })
    t.strictSame(Buffer.from(found[1]?.raw as Uint8Array), Buffer.from([0, 255, 39]))
  })

  t.test(`${dialect}: a transaction is whole or nothing, and one at a time`, options, async (t) => {
    const database = await ownDatabase(t, dialect)
    const [app, other] = [database.connect(), database.connect()]
    await app.query('CREATE TABLE kept (n integer PRIMARY KEY)')
    const failing = app.transaction(async (run) => {
      await run('INSERT INTO kept VALUES (1)')
      throw new WaybillError('CHANGE_INVALID', 'thought better of it')
    })
    const waiting = app.query('INSERT INTO kept VALUES (2)')
    await t.rejects(failing, { code: 'CHANGE_INVALID' })
    await waiting
    const fails = app.transaction(async (run) => {
      await run('INSERT INTO kept VALUES (3)')
      await run('INSERT INTO kept VALUES (2)')
    })
    await t.rejects(fails, { code: 'APP_DATABASE_FAILED' })
    t.equal(await app.transaction(async (run) => (await run('INSERT INTO kept VALUES (4)')) && 'done'), 'done')
    t.strictSame(await other.query('SELECT n FROM kept ORDER BY n'), [{ n: 2 }, { n: 4 }])
  })

  t.test(`${dialect}: somebody else holds the lock: it is told as that, and goes on afterwards`, options, async (t) => {
    const database = await ownDatabase(t, dialect)
    const [app, other] = [database.connect(), database.connect()]
    await app.query('CREATE TABLE kept (n integer PRIMARY KEY)')
    await app.query('INSERT INTO kept VALUES (1)')
    await other.transaction(async (run) => {
      await run('UPDATE kept SET n = 2')
      await t.rejects(app.query('UPDATE kept SET n = 3'), { code: 'APP_DATABASE_BUSY' })
    })
    await app.query('UPDATE kept SET n = 3')
    t.strictSame(await other.query('SELECT n FROM kept'), [{ n: 3 }])
  })

  t.test(`${dialect}: what the database refuses is told, and is not the end of the connection`, options, async (t) => {
    const app = (await ownDatabase(t, dialect)).connect()
    await t.rejects(app.query('SELECT * FROM nothing'), { code: 'APP_DATABASE_FAILED', message: /nothing/ })
    t.strictSame(await app.query('SELECT 1 one'), [{ one: 1 }])
  })
}

for (const dialect of ['postgresql', 'mariadb'] as const) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(`${dialect}: away and back: it connects again by itself`, options, async (t) => {
    const database = await ownDatabase(t, dialect)
    const url = readAppDatabaseUrl(database.url)
    const way = await FaultyWay.to(t, url.host, url.port)
    const app = openAppDatabase({ ...url, port: way.port })
    t.teardown(() => app.close())
    t.strictSame(await app.query('SELECT 1 one'), [{ one: 1 }])
    await way.cut()
    await t.rejects(app.query('SELECT 1'), { code: 'APP_DATABASE_AWAY' }, 'broken')
    await t.rejects(app.query('SELECT 1'), { code: 'APP_DATABASE_AWAY' }, 'refused')
    await way.mend()
    t.strictSame(await app.query('SELECT 1 one'), [{ one: 1 }])
    const cutWithin = app.transaction(async (run) => {
      await run('CREATE TABLE half (n integer)')
      await run('INSERT INTO half VALUES (1)')
      await way.cut()
      await run('SELECT 1')
    })
    await t.rejects(cutWithin, { code: 'APP_DATABASE_AWAY' })
    await way.mend()
    t.strictSame(await app.query('SELECT 1 one'), [{ one: 1 }])
  })

  t.test(`${dialect}: no password in what is told`, options, async (t) => {
    const { url } = await ownDatabase(t, dialect)
    const secret = 'h0rse-Battery'
    for (const wrong of [`nobody:${secret}`, `nobody%20${secret}:${secret}`]) {
      const app = openAppDatabase(readAppDatabaseUrl(url.replace(/\/\/\w+@/, `//${wrong}@`).replace(/\w+$/, 'nowhere')))
      const error = await app.query('SELECT 1').then(
        () => t.fail('connected'),
        (thrown) => thrown,
      )
      t.match(error, { code: 'APP_DATABASE_FAILED' })
      t.notMatch(inspect(error, { depth: 9, showHidden: true }), secret)
      await app.close()
    }
    const place = placeOf(readAppDatabaseUrl(url.replace('@', `:${secret}@`)))
    t.equal(place, url)
  })
}

t.test('a file that is replaced is opened anew; one that is gone is away', async (t) => {
  const [one, two] = [await ownDatabase(t, 'sqlite'), await ownDatabase(t, 'sqlite')]
  for (const [index, database] of [one, two].entries())
    await database.connect().query(`CREATE TABLE kept AS SELECT ${index} n`)
  const app = one.connect()
  t.strictSame(await app.query('SELECT n FROM kept'), [{ n: 0 }])
  const path = one.url.slice('sqlite://'.length)
  renameSync(path, `${path}.old`)
  await t.rejects(app.query('SELECT n FROM kept'), { code: 'APP_DATABASE_AWAY' })
  renameSync(two.url.slice('sqlite://'.length), path)
  t.strictSame(await app.query('SELECT n FROM kept'), [{ n: 1 }])
})

t.test('addresses: what is read, and what is refused without repeating it', async (t) => {
  t.match(readAppDatabaseUrl('postgresql://rosa:p%40ss@[::1]:5433/study'), {
    ...{ dialect: 'postgresql', host: '::1', port: 5433, user: 'rosa', password: 'p@ss', database: 'study' },
  })
  t.match(readAppDatabaseUrl('mysql:///study'), { dialect: 'mariadb', host: '/run/mysqld/mysqld.sock', port: 3306 })
  t.match(readAppDatabaseUrl('sqlite:///srv/my%20app/db.sqlite3'), {
    dialect: 'sqlite',
    database: '/srv/my app/db.sqlite3',
  })
  const wrong = [
    '',
    'secret',
    'oracle://a:secret@b/c',
    'postgresql://a:secret@b',
    'mariadb://a:secret@b/',
    'sqlite://',
    'sqlite:///',
  ]
  const more = [
    'sqlite://secret/x',
    'postgresql://a:secret@b/c?sslmode=off',
    'postgresql://a:%E0secret@b/c',
    'sqlite:///secret/',
  ]
  for (const text of [...wrong, ...more])
    t.throws(() => readAppDatabaseUrl(text), { code: 'BAD_CONFIG', message: /^(?!.*secret)/ }, text)
})

t.test('a password from a file: its first line', async (t) => {
  const path = `${t.testdir()}/password`
  writeFileSync(path, 'h0rse\nsomething else\n')
  const url = readAppDatabaseUrl('postgresql://rosa@127.0.0.1/study')
  t.equal(withPasswordFile(url, path).password, 'h0rse')
  t.equal(withPasswordFile(url, ''), url)
  t.throws(() => withPasswordFile(url, `${path}.none`), { code: 'BAD_CONFIG', message: /password.none cannot be read/ })
})

t.test('sqlite: an integer stays one, also where the column has no kind', async (t) => {
  const app = (await ownDatabase(t, 'sqlite')).connect()
  await app.query('CREATE TABLE kept (any)')
  for (const value of [7, 0.5, true]) await app.query('INSERT INTO kept VALUES (?)', [value])
  t.strictSame(await app.query('SELECT typeof("any") kind, "any" FROM kept'), [
    { kind: 'integer', any: 7 },
    { kind: 'real', any: 0.5 },
    { kind: 'integer', any: 1 },
  ])
})
