import { randomUUID } from 'node:crypto'
import t from 'tap'
import { cannotUse, dialects } from '../../fixtures/app-databases.ts'
import { appWithOutbox } from '../../fixtures/app-outbox.ts'
import { makeOutgoing, outgoing, putOutgoing } from '../../fixtures/collect-offline.ts'

const kind = 'django-collect-offline' as const
const record = '0f3c1b5e-6a3d-4d7e-9a55-1c2d3e4f5a6b'

for (const dialect of dialects) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(
    `${dialect}: the old app's table is read as it is, in its order, and marked by its own columns`,
    options,
    async (t) => {
      const { app, laptop, reader, recorded } = await appWithOutbox(t, dialect)
      await makeOutgoing(app)
      const { tick } = reader({ kind })
      const second = await putOutgoing(app, { tx_pk: record, action: 'U', timestamp: '20261124081600000001' })
      const first = await putOutgoing(app, { tx_pk: record })
      const third = await putOutgoing(app, { tx_pk: record, action: 'D', timestamp: '20261124081600000002' })
      const elsewhere = await putOutgoing(app, { is_consumed_server: true })
      t.match(await tick(), { state: 'reading', waiting: 0, setAside: 0 })
      t.strictSame(
        recorded(),
        [first, second, third].map((id) => `collect-offline-${id}`),
      )
      const lines = laptop.store.$client
        .prepare<[], { line: string }>('SELECT line FROM outbox ORDER BY position')
        .all()
      t.strictSame(JSON.parse(lines[0]?.line ?? ''), {
        ...{
          id: `collect-offline-${first}`,
          model: 'clinic.visit',
          action: 'insert',
          pk: record,
          naturalKey: [],
          base: [],
        },
        ...{ fields: { producer: 'lap-01-default', timestamp: '20261124081500000001' }, opaque: 'AP8BJw==' },
        ...{ user: 'rosa', recordedAt: '2026-11-24T08:15:00.000Z', site: '40' },
      })
      t.strictSame(
        lines.slice(1).map(({ line }) => JSON.parse(line).action),
        ['update', 'delete'],
      )
      const marks = await app.query(
        `SELECT id, is_consumed_middleman m, is_consumed_server s, consumer, is_error e FROM ${outgoing}`,
      )
      for (const { id, m, s, consumer, e } of marks) {
        const isOther = String(id).replaceAll('-', '') === elsewhere
        t.strictSame(
          [Boolean(m), Boolean(s), consumer, Boolean(e)],
          isOther ? [false, true, null, false] : [true, false, 'waybill', false],
        )
      }
      await tick()
      t.equal(recorded().length, 3)
    },
  )

  t.test(
    `${dialect}: a row that is no change holds its record alone, and says why in the old app's own column`,
    options,
    async (t) => {
      const { app, reader, recorded } = await appWithOutbox(t, dialect)
      await makeOutgoing(app)
      const { tick } = reader({ kind })
      const bad = await putOutgoing(app, { tx_pk: record, timestamp: 'yesterday' })
      const behind = await putOutgoing(app, { tx_pk: record, timestamp: 'z' })
      const other = await putOutgoing(app, { tx_pk: randomUUID() })
      const huge = await putOutgoing(app, { tx: Buffer.alloc(1_200_000, 7), timestamp: '20261124081500000000' })
      t.match(await tick(), { waiting: 1, setAside: 2 })
      t.strictSame(recorded(), [`collect-offline-${other}`])
      const errors = await app.query(`SELECT id, error FROM ${outgoing} WHERE is_error = true`)
      const said = new Map(errors.map(({ id, error }) => [String(id).replaceAll('-', ''), String(error)]))
      t.match(said.get(bad), /^waybill: CHANGE_INVALID: \/recordedAt/)
      t.match(said.get(huge), /^waybill: CHANGE_TOO_LARGE/)
      await app.query(
        `UPDATE ${outgoing} SET is_error = false, timestamp = '20261124090000000000' WHERE timestamp IN ('yesterday', 'z')`,
      )
      await tick()
      t.strictSame(recorded().slice(1).sort(), [bad, behind].map((id) => `collect-offline-${id}`).sort())
    },
  )

  t.test(`${dialect}: more than a page, with rows of one moment`, options, async (t) => {
    const { app, reader, recorded } = await appWithOutbox(t, dialect)
    await makeOutgoing(app)
    const ids: string[] = []
    for (let n = 0; n < 1_100; n += 1) ids.push(await putOutgoing(app))
    const { tick } = reader({ kind })
    t.match(await tick(), { waiting: 0 })
    t.strictSame(recorded().sort(), ids.map((id) => `collect-offline-${id}`).sort())
  })
}
