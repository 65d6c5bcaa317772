import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { openServer } from '../../commands/open-server.ts'
import { readFeed } from '../../server/feed.ts'
import { cannotUse, dialects } from '../fixtures/app-databases.ts'
import { appWithOutbox, put } from '../fixtures/app-outbox.ts'
import { waybillPath } from '../fixtures/hotspot-command.ts'
import { startClinic } from '../fixtures/programs.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(540_000)
const many = 1_500

for (const dialect of dialects) {
  const why = await cannotUse(dialect)
  const options = why === undefined ? {} : { skip: why }

  t.test(
    `${dialect}: from the app's table to the server, each once, while the laptop's program is killed`,
    options,
    async (t) => {
      const { app, database, laptop, study, rows } = await appWithOutbox(t, dialect)
      const clinic = await startClinic(study.server)
      t.teardown(() => clinic.close())
      const flags = ['--port', '0', '--page-port', '0', '--announce-on', '127.0.0.1', '--log-level', 'error']
      const start = (): ChildProcess =>
        spawn(
          waybillPath,
          [...['daemon', '--data', laptop.device.data, ...flags], ...['--servers', `127.0.0.1:${clinic.ports.port}`]],
          { stdio: 'ignore', env: { ...process.env, WAYBILL_APP_DATABASE: database.url } },
        )
      const end = async (program: ChildProcess) => {
        program.kill('SIGKILL')
        if (program.exitCode === null && program.signalCode === null) await once(program, 'exit')
      }
      let program = start()
      t.teardown(() => end(program))
      const ids: string[] = []
      for (let round = 0; round < 3; round += 1) {
        await app.transaction(async (run) => {
          for (let n = 0; n < many; n += 1) {
            ids.push(`r${round}-${n}`)
            await put(run, `${ids.at(-1)}`, { pk: String(n), action: round === 0 ? 'insert' : 'update' })
          }
        })
        await until('it has begun to take them over', async () => ((await rows())[1] ?? 0) > round * many)
        await end(program)
        program = start()
      }
      await until('all are at the server', async () => {
        const [waiting] = await rows()
        const { delivered } = laptop.status().counts
        return waiting === 0 && delivered.changes === ids.length
      })
      const found: string[] = []
      const server = await openServer(study.server.data)
      for await (const { change } of readFeed(server)) found.push(change.id)
      server.close()
      t.strictSame(found, ids, 'exactly once, in order')
    },
  )
}
