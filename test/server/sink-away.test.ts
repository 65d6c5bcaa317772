import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { readRuntime } from '../../shared/service/runtime.ts'
import { cannotUse, dialects, type OwnDatabase } from '../fixtures/app-databases.ts'
import { rowOf, type ServedApp, servedApp, subjectLine, withoutPosition } from '../fixtures/app-inbox.ts'

import { FaultyWay } from '../fixtures/faulty-way.ts'
import { cleanEnvironment, waybillPath } from '../fixtures/hotspot-command.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

/** The app has all that the server shows, each state once. */
async function untilAll(t: Test, { rows, states }: ServedApp, why: string): Promise<void> {
  await until(why, async () => (await rows()).length >= (await states()).length)
  t.strictSame((await rows()).map(withoutPosition), (await states()).map(rowOf), why)
}

for (const dialect of ['postgresql', 'mariadb'] as const)
  t.test(
    `${dialect}: the app's database goes away and comes back`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      let way: FaultyWay | undefined
      const served = await servedApp(t, dialect, async ({ url }: OwnDatabase) => {
        const { hostname, port } = new URL(url)
        way = await FaultyWay.to(t, hostname, Number(port))
        return { appDatabase: url.replace(`:${port}/`, `:${way.port}/`) }
      })
      const { server, give } = served
      await give(subjectLine('s1', 'S-1'))
      await untilAll(t, served, 'a running server writes by itself')
      await until('and says so', async () => (await server.status()).sink?.behind === 0)
      t.match((await server.status()).sink, { problem: null, awaySince: null, writtenAt: /^\d{4}-/, feed: 'states' })
      t.notMatch((await server.status()).sink?.place, 'password')

      await way?.cut()
      await give(subjectLine('s2', 'S-2'))
      await give(subjectLine('s3', 'S-3'))
      await until('it says that the database is away', async () => (await server.status()).sink?.problem !== null)
      const away = (await server.status()).sink
      t.match(away, { behind: 2, problem: { code: 'APP_DATABASE_AWAY' }, awaySince: /^\d{4}-/ })
      t.match((await server.status()).lastError, { code: 'APP_DATABASE_AWAY' })
      t.equal((await server.status()).counts.opened.batches, 3, 'all else goes on')

      await way?.mend()
      await untilAll(t, served, 'it goes on by itself')
      await until('and all is well', async () => (await server.status()).sink?.problem === null)
      t.match((await server.status()).sink, { behind: 0, awaySince: null })
    },
  )

for (const dialect of dialects)
  t.test(
    `${dialect}: invariant 2, a server killed again and again while it writes`,
    { skip: (await cannotUse(dialect)) ?? false },
    async (t) => {
      const served = await servedApp(t, dialect)
      const { study, server, database, give, rows } = served
      for (let count = 0; count < 5; count++)
        await give(
          ...Array.from({ length: 400 }, (_, index) =>
            subjectLine(`s${count}-${index}`, `S-${index}`, { fields: { count } }),
          ),
        )
      const all = (await served.states()).length
      await server.stop()
      let written = 0
      let deaths = 0
      while (written < all) {
        const child = await started(t, study.server.data, database.url)
        await until('it writes', async () => (await rows()).length > written)
        child.kill('SIGKILL')
        await once(child, 'exit')
        deaths += 1
        written = (await rows()).length
      }
      t.ok(deaths > 0, `${deaths} deaths, ${all} states`)
      t.strictSame((await rows()).map(withoutPosition), (await served.states()).map(rowOf))
    },
  )

/** The server's program, as a process of its own, writing into the app's database. */
async function started(t: Test, data: string, appDatabase: string): Promise<ChildProcess> {
  const where = ['--port', '0', '--page-port', '0', '--https-port', '0', '--announce-on', '127.0.0.1']
  const args = ['server', '--data', data, ...where, '--app-database', appDatabase, '--log-level', 'error']
  const child = spawn(waybillPath, args, { stdio: 'ignore', env: cleanEnvironment })
  t.teardown(() => void child.kill('SIGKILL'))
  await until('it listens', () => readRuntime(data)?.pid === child.pid)
  return child
}
