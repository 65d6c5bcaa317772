import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import fc from 'fast-check'
import t from 'tap'
import { DaemonConfig } from '../../../daemon/config.ts'
import { RelayConfig } from '../../../relay/config.ts'
import { ServerConfig } from '../../../server/config.ts'
import { type ConfigSources, readConfig } from '../../../shared/service/config.ts'

const seed = 20261124
const directory = mkdtempSync(join(tmpdir(), 'waybill-'))
t.teardown(() => rmSync(directory, { recursive: true }))
const Settings = Type.Object({
  pagePort: Type.Integer({ minimum: 0, maximum: 65_535, default: 7441 }),
  name: Type.String({ default: 'lap' }),
  push: Type.Boolean({ default: true }),
  servers: Type.Array(Type.String({ pattern: '^[^:]+:\\d+$' }), { default: [] }),
})
const file = join(directory, 'waybill.toml')

function read(sources: Partial<ConfigSources> & { toml?: string }) {
  if (sources.toml !== undefined) writeFileSync(file, sources.toml)
  const named = sources.toml === undefined ? undefined : file
  return readConfig(Settings, { file: named, environment: {}, flags: {}, ...sources })
}

t.test('house rule 4: defaults, then the file, then the environment, then flags, setting by setting', async (t) => {
  const source = fc.record({ file: fc.boolean(), environment: fc.boolean(), flag: fc.boolean() })
  fc.assert(
    fc.property(source, source, (port, name) => {
      const lines = [port.file ? 'pagePort = 1' : '', name.file ? 'name = "file"' : '']
      const config = read({
        toml: lines.join('\n'),
        environment: {
          ...(port.environment ? { WAYBILL_PAGE_PORT: '2' } : {}),
          ...(name.environment ? { WAYBILL_NAME: 'environment' } : {}),
        },
        flags: { pagePort: port.flag ? 3 : undefined, name: name.flag ? 'flag' : undefined },
      })
      const expectedPort = port.flag ? 3 : port.environment ? 2 : port.file ? 1 : 7441
      const expectedName = name.flag ? 'flag' : name.environment ? 'environment' : name.file ? 'file' : 'lap'
      return (
        config.pagePort === expectedPort && config.name === expectedName && config.push && config.servers.length === 0
      )
    }),
    { seed, numRuns: 200 },
  )
  t.pass(`seed ${seed}`)
})

t.test('the environment gives text; it becomes what the setting is, or is refused', async (t) => {
  const environment = { WAYBILL_PUSH: 'false', WAYBILL_SERVERS: 'a:1, b:2', WAYBILL_PAGE_PORT: '0', WAYBILL_NAME: '12' }
  t.strictSame(read({ environment }), { pagePort: 0, name: '12', push: false, servers: ['a:1', 'b:2'] })
  t.strictSame(read({ environment: { WAYBILL_SERVERS: '' } }).servers, [], 'an empty list')
  t.strictSame(
    read({ environment: { WAYBILL_OTHER: 'x', PATH: '/bin', pagePort: '1' } }).pagePort,
    7441,
    'others are left alone',
  )
})

t.test('house rules 3 and 9: a wrong setting is named with its source, and nothing is coerced', async (t) => {
  const bad: [Parameters<typeof read>[0], RegExp][] = [
    [{ toml: 'pagePort = "7441"' }, /waybill\.toml: pagePort: /],
    [{ toml: 'pagePort = 70000' }, /waybill\.toml: pagePort: /],
    [{ toml: 'pagePort = 1.5' }, /waybill\.toml: pagePort: /],
    [{ toml: 'pageport = 1' }, /waybill\.toml: pageport is not a setting/],
    [{ toml: 'constructor = 1' }, /waybill\.toml: constructor is not a setting/],
    [{ toml: 'toString = 1' }, /waybill\.toml: toString is not a setting/],
    [{ toml: '[web]\nport = 1' }, /waybill\.toml: web is not a setting/],
    [{ toml: 'servers = ["no port"]' }, /waybill\.toml: servers: /],
    [{ toml: 'push = 1' }, /waybill\.toml: push: /],
    [{ toml: 'name = "unfinished' }, /waybill\.toml: /],
    [{ toml: 'name = "a"\nname = "b"' }, /waybill\.toml: /],
    [{ file: join(directory, 'none.toml') }, /none\.toml: /],
    [{ environment: { WAYBILL_PAGE_PORT: '' } }, /environment: pagePort: /],
    [{ environment: { WAYBILL_PAGE_PORT: '0x10' } }, /environment: pagePort: /],
    [{ environment: { WAYBILL_PAGE_PORT: '-1' } }, /environment: pagePort: /],
    [{ environment: { WAYBILL_PAGE_PORT: '9'.repeat(400) } }, /environment: pagePort: /],
    [{ environment: { WAYBILL_PUSH: 'yes' } }, /environment: push: /],
    [{ environment: { WAYBILL_SERVERS: 'a:1,b' } }, /environment: servers: /],
    [{ flags: { pagePort: '1' } }, /flag: pagePort: /],
    [{ flags: { page: 1 } }, /flag: page is not a setting/],
  ]
  for (const [sources, message] of bad)
    t.throws(() => read(sources), { code: 'BAD_CONFIG', message }, JSON.stringify(sources))
  t.throws(
    () => read({ toml: 'pagePort = "x"', flags: { pagePort: 1 } }),
    { code: 'BAD_CONFIG' },
    'also where a flag would win',
  )
})

t.test('the three programs have settings for everything that they name: their defaults are complete', async (t) => {
  for (const schema of [DaemonConfig, RelayConfig, ServerConfig]) {
    const config: Record<string, unknown> = readConfig(schema, { file: undefined, environment: {}, flags: {} })
    t.strictSame(Object.keys(config), Object.keys(schema.properties))
    t.equal(config.data, '/var/lib/waybill')
  }
})
