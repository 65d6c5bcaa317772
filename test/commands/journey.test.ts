import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import canonicalize from 'canonicalize'
import t from 'tap'
import { cleanEnvironment, waybillPath } from '../fixtures/hotspot-command.ts'
import { until } from '../fixtures/until.ts'
import { DeskStudy } from './desk-study.ts'
import { foreignChanges } from './foreign-changes.ts'

interface Proven {
  verified: boolean
  provenance: Array<{ producerName: string; hops: object[]; proof: { authorityKey: string } }>
}

const seed = Number(process.env.WAYBILL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const records = 150
const one = foreignChanges('one', records, seed)
const two = foreignChanges('two', records, seed + 1)
t.comment(`WAYBILL_TEST_SEED=${seed} gives the same changes again`)

const study = await DeskStudy.begin(t)
const { desk } = study
const server = ['--data', study.home('server')]

t.test('a study by the command line alone: recorded, carried, delivered', async (t) => {
  const told = (given: object[]) => ({ accepted: given.length, known: 0, refused: [] })
  t.same(await study.record('lap-01', one), told(one))
  await study.start('daemon', 'lap-01', ['--no-push'])
  await study.start('relay', 'driver')
  await study.start('daemon', 'lap-02')
  t.same(await study.record('lap-02', two), told(two), 'beside its running program')
  await study.untilAll('delivered')
})

t.test('invariant 2: every change is at the server, once, as it was given', async (t) => {
  const given = [...one, ...two].map(({ arrives }) => canonicalize({ id: null, ...arrives })).sort()
  const entries = await study.changes()
  const arrived = entries.map(({ change: { id, model, action, pk, fields } }) =>
    canonicalize({ id: id.startsWith('dumpdata-') ? null : id, model, action, pk, fields }),
  )
  t.equal(arrived.length, given.length)
  t.ok(
    arrived.sort().every((line, index) => line === given[index]),
    'the same texts, numbers and fields',
  )
  t.equal(new Set(entries.map(({ change }) => change.id)).size, given.length, 'no id twice')
  t.ok(
    entries.every(({ change }) => change.recordedAt.endsWith('Z')),
    'times are UTC',
  )
})

t.test('changes: in pages, and to a reader who has seen enough', async (t) => {
  const all = await study.changes()
  const middle = all.length >> 1
  t.same(await study.changes(['--after', all[middle]?.cursor ?? '']), all.slice(middle + 1))
  t.same(await study.changes(['--after', all.at(-1)?.cursor ?? '']), [], 'nothing after the last')
  await desk.refused(['changes', ...server, '--after', '1-00000000.1'], 'CURSOR_FOREIGN', /another life/)
  await desk.refused(['changes', ...server, '--after', 'yesterday'], 'BAD_REQUEST', /cursor/)
  for (const command of ['changes', 'status'])
    t.same(firstLine([command, ...server]), { code: '0', lines: 1, err: '' }, `${command} | head -1`)
  const full = desk.spawn(['changes', ...server])
  full.stdout?.destroy()
  t.equal(await new Promise((resolve) => full.once('exit', resolve)), 0, 'a reader who is gone at once')
})

t.test('invariant 9: each role tells what receipts prove, and no more', async (t) => {
  const laptop = await study.status('lap-01')
  const none = { changes: 0, batches: 0 }
  t.match(laptop.counts, { outbox: none, sealed: none, withDriver: none, atServer: none, safe: none, missing: none })
  t.equal(laptop.counts.delivered?.changes, one.length)
  const brought = one.length + two.length - (await study.onlyDirect('lap-02'))
  // Of what another way brought too, the driver's laptop hears at its next visit.
  const isDelivered = async () => (await study.status('driver')).batches.delivered?.changes === brought
  await until('the driver knows what it brought for delivered', isDelivered, { everyMs: 1_000 })
  const relay = await study.status('driver')
  t.match(relay.near, { seen: Number, reachable: Number, trusted: Number })
  const { counts, chains } = await study.status('server')
  t.equal(counts.opened?.changes, one.length + two.length)
  t.match(counts, { ingested: none, held: none, quarantined: none })
  t.ok(
    chains.every(({ missing }) => missing.length === 0),
    'no gaps',
  )
})

t.test('receipts: in whose hands since when, in words and as JSON', async (t) => {
  const [words = ''] = (await desk.do(['receipts', '--data', study.home('lap-01')])).split('\n')
  t.match(words, /^[0-9a-f]{8}\/1 {2}\d+ changes {2}delivered {2}driver since \S+Z.* {2}kept here$/)
  const [first] = await study.receipts('lap-01')
  t.match(first, { seq: 1, state: 'delivered' })
  t.match(first?.holders[0], { name: 'driver', role: 'relay', since: /Z$/ })
})

t.test('invariant 5: a change leads back to its laptop; everything verifies', async (t) => {
  const id = (await study.changes()).find(({ change }) => change.id.startsWith('one-'))?.change.id ?? ''
  const words = await desk.do(['verify', ...server, '--change', id])
  t.match(words, /every signature verified from the authority key\.\n {2}sealed by lap-01 /)
  t.match(words, /hop 1: lap-01 -> driver, signed .*\n.*receipt [0-9a-f]{64}\n {2}hop 2: driver -> server, signed /)
  const proven = await desk.json<Proven>(['verify', ...server, '--change', id])
  const way = { producerName: 'lap-01', hops: [{ hop: 1 }, { hop: 2 }], proof: { authorityKey: String } }
  t.match(proven, { verified: true, provenance: [way] })
  await desk.refused(['verify', ...server, '--change', 'never'], 'NOT_FOUND')
  for (const name of ['server', 'driver', 'lap-01', 'lap-02'])
    t.match(await desk.json(['verify', '--data', study.home(name)]), { verified: true, batches: Number }, name)
})

t.test('a backup makes what is in it safe', async (t) => {
  const [first, second] = [desk.path('backups', '000001'), desk.path('backups', '000002')]
  const backup = ['backup', ...server, '--to', desk.path('backups')]
  t.match(await desk.do(backup), new RegExp(`^${first}: \\d+ batches, read back and found whole`))
  t.match(await desk.json(backup), { path: second, batches: Number })
  await study.untilAll('safe')
  t.equal((await study.status('lap-01')).counts.safe?.changes, one.length)
})

t.test('invariant 7: a revoked laptop is refused, and told so', async (t) => {
  const revoke = ['revoke', 'lap-01', ...server]
  await desk.refused(revoke, 'BAD_ARGUMENT', /--reason/)
  t.match(await desk.json([...revoke, '--reason', 'stolen']), { device: /^[0-9a-f]{32}$/, reason: 'stolen' })
  await desk.refused([...revoke, '--reason', 'stolen'], 'NOT_FOUND', /no device lap-01 is in force/)
  const isRefused = ({ name, code }: { name: string; code: string | null }) => name === 'lap-01' && code === 'REVOKED'
  const refuses = async () => (await study.status('driver')).peers.some(isRefused)
  await until('the driver refuses lap-01', refuses, { everyMs: 1_000 })
  const { devices } = await study.status('server')
  t.match(
    devices.filter(({ revoked }) => revoked),
    [{ name: 'lap-01' }],
  )
  const code = await desk.do(['enrol-code', ...server, '--role', 'field', '--name', 'lap-01'])
  t.match(code, /^waybill1\./, 'its name is free for another')
})

t.test('SIGTERM ends every program with 0; one byte that is not as it was is found, and named', async (t) => {
  t.same(await study.stop(), [0, 0, 0, 0])
  const stored = readdirSync(join(study.home('server'), 'payloads'), { recursive: true, withFileTypes: true })
  const [victim = ''] = stored.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const bytes = readFileSync(victim)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  writeFileSync(victim, bytes)
  await desk.refused(['verify', ...server], 'DIGEST_MISMATCH', /batch \d+ of chain [0-9a-f]{8}/)
  await desk.refused(['verify', ...server, '--json'], 'DIGEST_MISMATCH', /batch \d+ of chain/)
})

/** In a shell, whose pipe closes after one line. */
function firstLine(args: string[]): { code: string; lines: number; err: string } {
  const err = desk.path('head.err')
  const script = '{ "$0" "$@" 2>"$ERR"; echo $? >"$ERR.code"; } | head -1'
  const out = execFileSync('sh', ['-c', script, waybillPath, ...args], {
    encoding: 'utf8',
    env: { ...cleanEnvironment, ERR: err },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = readFileSync(`${err}.code`, 'utf8').trim()
  return { code, lines: out.trimEnd().split('\n').length, err: readFileSync(err, 'utf8') }
}
