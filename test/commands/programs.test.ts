import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readEnrolCode } from '../../shared/protocol/enrol-code.ts'
import { Desk } from './desk.ts'

interface Status {
  program: string
  running: boolean
  ports: Record<string, number>
}

async function founded(desk: Desk): Promise<string> {
  const data = desk.path('server')
  await desk.do(['study', 'create', 'Motse cohort', '--data', data])
  return data
}

t.test('house rule 4: a TOML file, then the environment, then flags', async (t) => {
  const desk = new Desk(t)
  const data = await founded(desk)
  const put = (name: string, text: string) => writeFileSync(join(data, name), text)
  const addresses = async (flags: string[] = [], env: Record<string, string> = {}) => {
    const server = await desk.start('server', data, flags, env)
    const code = await desk.do(['enrol-code', '--role', 'field', '--name', 'lap-01'], { env: { WAYBILL_DATA: data } })
    t.equal(await server.stop(), 0)
    return readEnrolCode(code).addresses.join()
  }
  t.match(await addresses(), /^127\.0\.0\.1:\d+$/, 'without settings: its own address and port')
  put('server.toml', 'addresses = ["of-the-file:7460"]')
  put('other.toml', 'addresses = ["of-another-file:7460"]')
  t.equal(await addresses(), 'of-the-file:7460', 'DATA/server.toml')
  t.equal(await addresses(['--config', join(data, 'other.toml')]), 'of-another-file:7460', '--config')
  const env = { WAYBILL_ADDRESSES: 'of-the-variable:7460, second:1' }
  t.equal(await addresses([], env), 'of-the-variable:7460,second:1', 'a variable counts before the file')
  t.equal(await addresses(['--addresses', 'of-the-flag:7460'], env), 'of-the-flag:7460', 'a flag counts before all')
  const server = ['server', '--data', data]
  await desk.refused(server, 'BAD_CONFIG', /environment: port: /, { env: { WAYBILL_PORT: 'many' } })
  await desk.refused([...server, '--config', desk.path('none.toml')], 'BAD_CONFIG', /none\.toml/)
  put('server.toml', 'adresses = []')
  await desk.refused(server, 'BAD_CONFIG', /server\.toml: adresses is not a setting/)
  put('server.toml', 'port = "7460"')
  await desk.refused(server, 'BAD_CONFIG', /server\.toml: port: /)
  put('server.toml', 'port = ')
  await desk.refused(server, 'BAD_CONFIG', /server\.toml: /)
})

t.test(
  'a running program: its ports are told, its page opens, another is refused, SIGTERM ends it with 0',
  async (t) => {
    const desk = new Desk(t)
    const data = await founded(desk)
    const status = () => desk.json<Status>(['status', '--data', data])
    t.match(await status(), { program: 'server', running: false, ports: {} })
    t.match(await desk.do(['status', '--data', data]), /\nnot running\n/)
    await desk.refused(['page', '--data', data], 'NOT_RUNNING', /no program runs on/)
    const server = await desk.start('server', data)
    const { running, ports } = await status()
    t.ok(running && (ports.port ?? 0) > 0 && (ports.pagePort ?? 0) > 0, 'port 0 took free ones, and status tells them')
    t.match(await desk.do(['status', '--data', data]), `running: port ${ports.port}, pagePort ${ports.pagePort}`)
    const page = (await desk.do(['page', '--data', data])).trim()
    t.match(page, new RegExp(`^http://127\\.0\\.0\\.1:${ports.pagePort}/#launch=[\\w-]{43}$`))
    const { address } = await desk.json<{ address: string }>(['page', '--data', data])
    t.not(address, page, 'each launch token is good once')
    t.equal((await fetch(address)).status, 200)
    await desk.refused(['server', '--data', data, '--port', '0'], 'LOCKED', /waybill server \(process \d+\) runs on/)
    t.ok((await status()).running, 'the one that runs was not disturbed')
    t.equal(await server.stop(), 0)
    t.match(await status(), { running: false, ports: {} })
    for (const line of server.log().trim().split('\n').slice(-1))
      t.match(JSON.parse(line), { level: 30, msg: 'closing' })
  },
)

t.test('a program that cannot start ends, and touches no data of another', async (t) => {
  const desk = new Desk(t)
  const data = await founded(desk)
  const server = await desk.start('server', data)
  const code = (await desk.do(['enrol-code', '--data', data, '--role', 'field', '--name', 'lap-01'])).trim()
  const home = desk.path('l1')
  await desk.do(['enrol', code, '--data', home])
  const taken = ['daemon', '--data', home, '--page-port', '0', '--port', String(server.ports.port)]
  const { code: exit, out, err } = await desk.run(taken)
  t.match({ exit, out }, { exit: 1, out: '' }, 'it does not linger with what it opened')
  const [last, ...log] = err.trimEnd().split('\n').reverse()
  t.match(last, /^ADDRESS_IN_USE: port \d+.*\. Hint: /)
  for (const line of log)
    t.equal(JSON.parse(line).name, 'waybill-daemon', 'before it only the log, a line of JSON an event')
  t.match(await desk.json<Status>(['status', '--data', home]), { program: 'daemon', running: false })
  await server.stop()
  const before = digestOf(data)
  await desk.refused(['daemon', '--data', data], 'ROLE_REFUSED', /holds a server: its program is waybill server/)
  await desk.refused(['relay', '--data', home], 'ROLE_REFUSED', /its program is waybill daemon/)
  await desk.refused(['receipts', '--data', data], 'ROLE_REFUSED', /not a field laptop/)
  await desk.refused(['changes', '--data', home], 'ROLE_REFUSED', /not a server/)
  t.equal(digestOf(data), before, 'nothing was written')
})

/** Of all files of a directory. */
function digestOf(directory: string): string {
  const hash = createHash('sha256')
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)))
  return hash.digest('hex')
}
