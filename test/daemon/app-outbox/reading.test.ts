import t from 'tap'
import { cannotUse, dialects } from '../../fixtures/app-databases.ts'
import { appWithOutbox, put } from '../../fixtures/app-outbox.ts'

for (const dialect of dialects) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(`${dialect}: what the app committed is taken over, in order, once, as it is`, options, async (t) => {
    const { app, laptop, reader, recorded, rows } = await appWithOutbox(t, dialect)
    const { tick } = reader()
    t.match(await tick(), { state: 'reading', waiting: 0, setAside: 0, problem: null }, 'an empty table')
    const words = 'Ke a leboga \u{1f600} \' " \\ %s ?'
    await put(app.query, 'a', {
      ...{ natural_key: '["066-1", 7]', fields: JSON.stringify({ words, n: 0.1, none: null }), base: '["z"]' },
      ...{ made_by: 'rosa', reason: 'typed wrongly', site: 'mochudi', app_version: '1.2', pk: '77' },
    })
    await put(app.query, 'b', { action: 'delete', pk: '77', fields: '{}' })
    await put(app.query, 'c', { action: 'update' })
    t.match(await tick(), { state: 'reading', since: null, waiting: 0, setAside: 0, refused: [], openTransactions: [] })
    t.strictSame(recorded(), ['a', 'b', 'c'])
    t.strictSame(await rows(), [0, 3, 0])
    const [first] = laptop.store.$client.prepare<[], { line: string }>('SELECT line FROM outbox').all()
    t.strictSame(JSON.parse(first?.line ?? ''), {
      ...{ id: 'a', model: 'clinic.visit', action: 'insert', pk: '77', naturalKey: ['066-1', 7], base: ['z'] },
      ...{ fields: { words, n: 0.1, none: null }, user: 'rosa', recordedAt: '2026-11-01T10:00:00.000Z' },
      ...{ reason: 'typed wrongly', site: 'mochudi', appVersion: '1.2' },
    })
    await app.query('UPDATE waybill_outbox SET taken = 0')
    await put(app.query, 'd')
    await tick()
    t.strictSame(recorded(), ['a', 'b', 'c', 'd'], 'invariant 2: what is read twice is known')
    t.strictSame(await rows(), [0, 4, 0])
  })

  t.test(
    `${dialect}: what was rolled back never was; what commits late is found, wherever it stands`,
    options,
    async (t) => {
      const { app, database, reader, recorded } = await appWithOutbox(t, dialect)
      const { tick } = reader()
      const other = database.connect()
      await t.rejects(
        app.transaction(async (run) => {
          await put(run, 'never')
          if (dialect !== 'sqlite') {
            await put(other.query, 'after')
            await tick()
            t.strictSame(recorded(), ['after'], 'not behind it in its record')
          }
          throw new Error('rolled back')
        }),
      )
      await app.transaction(async (run) => {
        await put(run, 'late')
        if (dialect !== 'sqlite') await put(other.query, 'early')
        await tick()
      })
      await tick()
      t.strictSame(recorded().sort(), dialect === 'sqlite' ? ['late'] : ['after', 'early', 'late'])
    },
  )

  t.test(`${dialect}: hostile rows are set aside, each with its code; the others go on`, options, async (t) => {
    const { app, reader, recorded, rows } = await appWithOutbox(t, dialect)
    const { tick, state } = reader()
    const hostile: Array<[string, Record<string, string | Uint8Array>]> = [
      ...([
        ['CHANGE_INVALID', { fields: '{"weight":' }],
        ['CHANGE_INVALID', { fields: '{"weight":1}, "reason":"injected"' }],
        ['CHANGE_INVALID', { fields: '["no object"]' }],
        ['CHANGE_INVALID', { fields: '{"n":9007199254740993}' }],
        ['CHANGE_INVALID', { fields: '{"n":1,"n":2}' }],
        ['CHANGE_INVALID', { natural_key: '{"a":1}' }],
        ['CHANGE_INVALID', { natural_key: '' }],
        ['CHANGE_INVALID', { base: '[1]' }],
        ['CHANGE_INVALID', { action: 'upsert' }],
        ['CHANGE_INVALID', { model: 'clinic visit' }],
        ['CHANGE_INVALID', { recorded_at: 'yesterday' }],
        ['CHANGE_INVALID', { recorded_at: '2026-02-30T12:00:00Z' }],
        ['CHANGE_INVALID', { pk: '' }],
        ['CHANGE_TOO_LARGE', { fields: JSON.stringify({ scan: 'x'.repeat(2_000_000) }) }],
        ['CHANGE_TOO_LARGE', { fields: JSON.stringify({ scan: 'x'.repeat(1_048_500) }) }],
      ] as Array<[string, Record<string, string>]>),
      ...(dialect === 'postgresql'
        ? []
        : ([['CHANGE_INVALID', { fields: '{"a":"\u0000"}' }]] as Array<[string, Record<string, string>]>)),
      ...(dialect === 'sqlite'
        ? ([
            ['CHANGE_INVALID', { fields: Buffer.from('{"a":"\xff"}', 'latin1') }],
            ['CHANGE_INVALID', { pk: 'x'.repeat(100_000) }],
            ['CHANGE_TOO_LARGE', { pk: 'y'.repeat(3_000_000) }],
          ] as Array<[string, Record<string, string | Uint8Array>]>)
        : []),
    ]
    for (const [index, [, columns]] of hostile.entries()) {
      await put(app.query, `bad-${index}`, columns)
      await put(app.query, `good-${index}`)
    }
    await tick()
    t.strictSame(
      recorded(),
      hostile.map((_, index) => `good-${index}`),
    )
    t.strictSame(await rows(), [0, hostile.length, hostile.length])
    const told = state()
    t.match(told, { state: 'reading', waiting: 0, setAside: hostile.length })
    t.strictSame(
      told?.refused.map(({ position, code }) => [Number(position), code]),
      hostile.map(([code], index) => [index * 2 + 1, code]).slice(0, 20),
    )
    t.match(told?.refused[0], { message: /^fields: not JSON/ })
    t.match(told?.refused[7], { message: /^\/base\/0/ })
    await tick()
    t.strictSame(await rows(), [0, hostile.length, hostile.length], 'they are not read again by themselves')
  })

  t.test(`${dialect}: a corrected row is read again, before what came after it in its record`, options, async (t) => {
    const { app, reader, recorded, rows } = await appWithOutbox(t, dialect)
    const { tick } = reader()
    await put(app.query, 'one', { pk: '7', fields: '{"weight":' })
    await put(app.query, 'two', { pk: '7', action: 'update' })
    await put(app.query, 'elsewhere', { pk: '8' })
    t.match(await tick(), { waiting: 1, setAside: 1, refused: [{ position: '1', code: 'CHANGE_INVALID' }] })
    await put(app.query, 'three', { pk: '7', action: 'delete' })
    t.match(await tick(), { waiting: 2, setAside: 1 })
    t.strictSame(recorded(), ['elsewhere'])
    await app.query(`UPDATE waybill_outbox SET fields = '{"weight":7}', taken = 0 WHERE position = 1`)
    t.match(await tick(), { waiting: 0, setAside: 0, refused: [] })
    t.strictSame(recorded(), ['elsewhere', 'one', 'two', 'three'])
    t.strictSame(await rows(), [0, 4, 0])
  })

  t.test(`${dialect}: recording = false pauses; it drops nothing and says so`, options, async (t) => {
    const { app, reader, recorded, rows } = await appWithOutbox(t, dialect)
    const paused = reader({ recording: false })
    await put(app.query, 'a')
    await put(app.query, 'b')
    t.match(await paused.tick(), { state: 'paused', since: /^2/, waiting: 2, problem: null })
    t.strictSame([recorded(), await rows()], [[], [2, 0, 0]])
    t.match(await reader().tick(), { state: 'reading', since: null, waiting: 0 })
    t.strictSame(recorded(), ['a', 'b'])
  })

  t.test(`${dialect}: without its table the database is told as failing, and nothing breaks`, options, async (t) => {
    const { app, reader, recorded } = await appWithOutbox(t, dialect)
    const { tick, problems } = reader()
    await app.query('ALTER TABLE waybill_outbox RENAME TO elsewhere')
    t.match(await tick(), { state: 'failing', problem: { code: 'APP_DATABASE_FAILED', message: /waybill_outbox/ } })
    await tick()
    t.strictSame(problems, ['APP_DATABASE_FAILED'], 'told once')
    await app.query('ALTER TABLE elsewhere RENAME TO waybill_outbox')
    await put(app.query, 'a')
    t.match(await tick(), { state: 'reading', problem: null })
    t.strictSame(recorded(), ['a'])
  })
}
