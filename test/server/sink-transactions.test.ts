import t, { type Test } from 'tap'
import { sinkNext } from '../../server/sink.ts'
import { transactionsTarget } from '../../server/sink-transactions.ts'
import type { Dialect } from '../../shared/app-database/app-database.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { cannotUse, dialects } from '../fixtures/app-databases.ts'
import { servedApp } from '../fixtures/app-inbox.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { makeIncomingTransactions } from '../fixtures/incoming-transactions.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)
const pk = '0f3c7a52-9d1e-4c55-8f0e-2b7d1c9a4e10'
const sealed = Buffer.from([0, 1, 2, 0xff, 0xfe, 39, 92, 10])
const fields = { timestamp: '20261124081500123456', producer: 'lap-01-default' }

/** A transaction as the laptop takes it from `OutgoingTransaction`. */
function transaction(id: string, more: object = {}): string {
  const opaque = sealed.toString('base64')
  return changeLine({
    ...{ id, model: 'clinic.visit', pk, naturalKey: [], opaque, fields, site: '40', user: 'rosa' },
    ...more,
  })
}

async function begin(t: Test, dialect: Dialect) {
  const served = await servedApp(t, dialect)
  await makeIncomingTransactions(served.app)
  const sink = () =>
    served.server.opened(async (opened) => {
      const target = transactionsTarget({ ...opened, clock: systemClock }, served.app)
      while (!(await sinkNext(served.app, target)).isEnd);
    })
  const rows = () =>
    served.app.query('SELECT * FROM django_collect_offline_incomingtransaction ORDER BY timestamp, action')
  return { ...served, sink, rows }
}

for (const dialect of dialects) {
  t.test(
    `${dialect}: transport only, each transaction once, as it is`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      const { give, sink, rows, server, app } = await begin(t, dialect)
      await give(
        transaction('one'),
        transaction('two', { action: 'update', fields: { ...fields, timestamp: '20261124081500123457' }, site: '41' }),
        transaction('three', { action: 'delete', fields: { ...fields, timestamp: '20261124081500123458' }, site: 'x' }),
        changeLine({ id: 'not-opaque', pk }),
        transaction('no-uuid', { pk: 'S-1' }),
        transaction('long', { model: `clinic.${'x'.repeat(100)}` }),
        transaction('no-time', { fields: { producer: 'lap-01-default' } }),
      )
      await sink()
      const all = await rows()
      t.strictSame(
        all.map(({ action }) => action),
        ['I', 'U', 'D'],
        'three are transactions',
      )
      t.strictSame(Buffer.from(all[0]?.tx as Uint8Array), sealed, 'byte by byte')
      t.match(all[0], {
        tx_name: 'clinic.visit',
        producer: 'lap-01-default',
        timestamp: fields.timestamp,
        user_created: 'rosa',
      })
      t.equal(String(all[0]?.tx_pk).replaceAll('-', ''), pk.replaceAll('-', ''))
      t.strictSame(
        all.map(({ site_id: site }) => site),
        [40, null, null],
        'a site that is not here is left open',
      )
      for (const flag of ['is_consumed', 'is_ignored', 'is_error', 'is_self']) t.equal(Number(all[0]?.[flag]), 0, flag)
      t.match(String(all[0]?.created), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/)

      await app.query('UPDATE django_collect_offline_incomingtransaction SET is_consumed = true')
      await give(transaction('one'))
      server.sql(
        "UPDATE facts SET value = ? WHERE key = 'incarnation'",
        JSON.stringify({ number: 9, nonce: '9'.repeat(32) }),
      )
      await sink()
      const after = await rows()
      t.equal(after.length, 3, 'a repeat, and a feed that starts again, write nothing twice')
      t.ok(
        after.every(({ is_consumed: consumed }) => Number(consumed) === 1),
        'nor undo what the old app did',
      )
    },
  )
}

t.test('a running server writes them where its settings say so', async (t) => {
  const served = await servedApp(t, 'sqlite', async (database) => {
    await makeIncomingTransactions(database.connect())
    return { appDatabase: database.url, appInbox: 'django-collect-offline' }
  })
  await served.give(transaction('one'))
  const count = 'SELECT count(*) AS n FROM django_collect_offline_incomingtransaction'
  await until('it is there', async () => Number((await served.app.query(count))[0]?.n) === 1)
  await until('and said', async () => (await served.server.status()).sink?.behind === 0)
  t.match((await served.server.status()).sink, { feed: 'changes', problem: null })
  t.strictSame(await served.rows(), [], 'and nothing else')
})
