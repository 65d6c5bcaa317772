import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DaemonConfig } from '../../daemon/config.ts'
import { RelayConfig } from '../../relay/config.ts'
import { ServerConfig } from '../../server/config.ts'
import { readConfig } from '../../shared/service/config.ts'

const programs = { daemon: DaemonConfig, relay: RelayConfig, server: ServerConfig }
const names = Object.keys(programs) as Array<keyof typeof programs>
const checkout = join(import.meta.dirname, '../..')
const unitOf = (name: string) => join(checkout, 'systemd', `waybill-${name}.service`)
/** What a unit says, a list a key: some keys may be given more than once. */
const settings = (name: string) => {
  const said = new Map<string, string[]>()
  for (const line of readFileSync(unitOf(name), 'utf8').split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) said.set(key, [...(said.get(key) ?? []), value])
  }
  return said
}
const missing = (tool: string) =>
  spawnSync(tool, ['--version']).status === 0 ? false : `${tool} is not installed here: systemd's own check cannot run`

/** A root with the units installed, a command, and the targets that every system has. */
function installedRoot(t: Test): string {
  const root = mkdtempSync(join(tmpdir(), 'waybill-units-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const units = join(root, 'etc/systemd/system')
  mkdirSync(units, { recursive: true })
  mkdirSync(join(root, 'usr/bin'), { recursive: true })
  writeFileSync(join(root, 'usr/bin/waybill'), '#!/bin/sh\n')
  chmodSync(join(root, 'usr/bin/waybill'), 0o755)
  for (const target of ['sysinit', 'basic', 'shutdown', 'multi-user', 'network'])
    writeFileSync(join(units, `${target}.target`), `[Unit]\nDescription=${target}\n`)
  for (const name of names) cpSync(unitOf(name), join(units, `waybill-${name}.service`))
  return root
}

for (const name of names) {
  t.test(`waybill-${name}.service: systemd-analyze verify finds nothing`, { skip: missing('systemd-analyze') }, (t) => {
    const root = installedRoot(t)
    const found = spawnSync('systemd-analyze', ['verify', `--root=${root}`, `waybill-${name}.service`])
    t.equal(found.stderr.toString() + found.stdout.toString(), '')
    t.equal(found.status, 0)
    t.end()
  })

  t.test(
    `waybill-${name}.service: hardened to an exposure of at most 1.5`,
    { skip: missing('systemd-analyze') },
    (t) => {
      const judged = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=15', unitOf(name)])
      t.equal(judged.status, 0, judged.stdout.toString().trim().split('\n').at(-1) ?? '')
      t.end()
    },
  )

  t.test(`waybill-${name}.service: nothing that would break the program`, (t) => {
    const said = settings(name)
    t.notOk(said.has('MemoryDenyWriteExecute'), 'Node compiles as it runs')
    t.notOk(said.has('ProcSubset'), '/proc/net/route tells the gateway to knock at')
    t.notOk(said.has('RuntimeDirectory'), 'it would remove /run/waybill under another unit')
    t.match(said.get('RestrictAddressFamilies')?.join(), /AF_NETLINK/, 'network interfaces are listed by netlink')
    t.strictSame(said.get('Restart'), ['always'])
    t.strictSame(said.get('StateDirectory'), ['waybill'])
    t.strictSame([said.get('User'), said.get('Group')], [['waybill'], ['waybill']])
    t.end()
  })

  t.test(`waybill-${name}.service: starts a command that there is, with settings that there are`, (t) => {
    const said = settings(name)
    t.strictSame(said.get('ExecStart'), [`/usr/bin/waybill ${name}`])
    const help = execFileSync(join(checkout, 'bin/waybill'), [name, '--help'], { encoding: 'utf8' })
    t.match(help, `waybill ${name} `)
    const environment = Object.fromEntries((said.get('Environment') ?? []).map((pair) => pair.split('=')))
    const config = readConfig(programs[name], { file: undefined, environment, flags: {} })
    t.equal(config.data, '/var/lib/waybill')
    if ('socket' in config) t.equal(config.socket, '/run/waybill/daemon.sock')
    const used = Object.values(environment).every((value) => Object.values<unknown>(config).includes(value))
    t.ok(used, 'every variable is a setting of the program')
    t.end()
  })
}

t.test('waybill-server.service: may lower a priority, and nothing else of @resources', (t) => {
  t.strictSame(settings('server').get('SystemCallFilter'), [
    '@system-service',
    '~@privileged @resources',
    'setpriority',
  ])
  t.end()
})

const account = missing('systemd-sysusers') || (process.getuid?.() === 0 ? false : 'only root may give files away')
t.test('sysusers and tmpfiles: the user, and directories that are closed to others', { skip: account }, (t) => {
  const root = installedRoot(t)
  const apply = (tool: string, ...rest: string[]) => execFileSync(tool, [`--root=${root}`, ...rest], { stdio: 'pipe' })
  apply('systemd-sysusers', join(checkout, 'systemd/waybill.sysusers'))
  const [, , uid, gid] = /^waybill:.*$/m.exec(readFileSync(join(root, 'etc/passwd'), 'utf8'))?.[0].split(':') ?? []
  apply('systemd-tmpfiles', '--create', join(checkout, 'systemd/waybill.tmpfiles'))
  for (const directory of ['var/lib/waybill', 'run/waybill']) {
    const { mode, ...owner } = statSync(join(root, directory))
    t.equal(mode & 0o777, 0o750, directory)
    t.strictSame([owner.uid, owner.gid], [Number(uid), Number(gid)], directory)
  }
  t.equal(statSync(join(root, 'etc/waybill')).uid, 0, 'the programs cannot change their own settings')
  t.end()
})
