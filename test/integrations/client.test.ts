import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type ChangeToRecord, openClient, WaybillClientError } from 'waybill/client'
import { openStore } from '../../daemon/open-store.ts'
import { waybillPath } from '../fixtures/hotspot-command.ts'
import { startLaptop } from '../fixtures/programs.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

function change(id: string, more: Partial<ChangeToRecord> = {}): ChangeToRecord {
  return { id, model: 'clinic.visit', action: 'insert', pk: `pk-${id}`, fields: { weight: 61.5 }, ...more }
}

function* numbered(from: number, to: number): Generator<ChangeToRecord> {
  for (let n = from; n < to; n += 1) yield change(`c-${n}`)
}

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await study.enrol('field', 'lap-01')
  const recorded = () => {
    const store = openStore(laptop.data)
    // Of one moment: what is being sealed meanwhile is in exactly one of the two.
    const { rows, sealed } = store.$client.transaction(() => ({
      rows: store.$client.prepare<[], { id: string }>("SELECT line ->> '$.id' id FROM outbox ORDER BY position").all(),
      sealed: store.$client.prepare<[], { n: number }>('SELECT coalesce(sum(changes), 0) n FROM batches').get(),
    }))()
    store.$client.close()
    return { ids: rows.map(({ id }) => id), total: rows.length + (sealed?.n ?? 0) }
  }
  return { study, laptop, recorded }
}

t.test('accepted, known and refused; many pages; each line by its number', async (t) => {
  const { laptop, recorded } = await begin(t)
  const program = await startLaptop(laptop)
  t.teardown(() => program.close())
  const client = openClient({ data: laptop.data })
  t.strictSame(await client.record([]), { accepted: 0, known: 0, refused: [] })
  t.strictSame(await client.record([change('a'), change('b')]), { accepted: 2, known: 0, refused: [] })
  t.strictSame(recorded().ids, ['a', 'b'], 'on disk when it resolves')
  const mixed = async function* () {
    yield change('a')
    yield* numbered(0, 1_200)
    yield change('bad', { model: 'no model' })
    yield change('huge', { opaque: 'x'.repeat(1_100_000) })
    yield change('last')
  }
  const told = await client.record(mixed())
  t.match(told, { accepted: 1_201, known: 1 })
  t.strictSame(
    told.refused.map(({ line, code }) => [line, code]),
    [
      [1_202, 'CHANGE_INVALID'],
      [1_203, 'CHANGE_TOO_LARGE'],
    ],
  )
  t.equal(recorded().total, 1_203)
  t.match(await client.status(), { program: 'daemon', running: true, name: 'lap-01' })
})

t.test('what JSON would alter is refused before it is sent', async (t) => {
  const client = openClient({ data: '/nowhere', patienceMs: 0 })
  for (const fields of [{ a: Number.NaN }, { a: [Number.POSITIVE_INFINITY] }, { a: 1n }])
    await t.rejects(client.record([change('a', { fields })]), TypeError)
  await t.rejects(client.record(['{}' as unknown as ChangeToRecord]), TypeError)
})

t.test('by loopback and its token, where the socket is not there', async (t) => {
  const { laptop, recorded } = await begin(t)
  const program = await startLaptop(laptop)
  t.teardown(() => program.close())
  rmSync(join(laptop.data, 'daemon.sock'))
  const client = openClient({ data: laptop.data })
  t.match(await client.record([change('a')]), { accepted: 1 })
  t.strictSame(recorded().ids, ['a'])
})

t.test('nothing runs: told as that when patience ends, or at once when the app says so', async (t) => {
  const { laptop } = await begin(t)
  const client = openClient({ data: laptop.data, patienceMs: 300 })
  await t.rejects(client.record([change('a')]), { name: 'WaybillClientError', code: 'NOT_RUNNING' })
  const signal = AbortSignal.abort()
  await t.rejects(openClient({ data: laptop.data }).status({ signal }), { name: 'AbortError' })
  t.ok(new WaybillClientError('NOT_FOUND', 'none') instanceof Error)
})

t.test('invariants 1 and 2: the program is killed and started again in the midst; each change once', async (t) => {
  const { laptop, recorded } = await begin(t)
  const start = () => {
    const flags = ['--data', laptop.data, '--port', '0', '--page-port', '0', '--announce-on', '127.0.0.1', '--no-push']
    return spawn(waybillPath, ['daemon', ...flags], { stdio: 'ignore' })
  }
  let program = start()
  const client = openClient({ data: laptop.data, patienceMs: 120_000 })
  await client.status()
  let isDone = false
  const recording = client.record(numbered(0, 20_000)).finally(() => {
    isDone = true
  })
  let kills = 0
  for (const after of [1_000, 6_000, 12_000]) {
    await until(`${after} are recorded`, () => isDone || recorded().total >= after)
    if (isDone) break
    program.kill('SIGKILL')
    await once(program, 'exit')
    kills += 1
    program = start()
  }
  t.teardown(async () => {
    program.kill('SIGKILL')
    await once(program, 'exit')
  })
  const told = await recording
  t.ok(kills > 0)
  t.equal(told.accepted + told.known, 20_000)
  t.strictSame(told.refused, [])
  t.equal(recorded().total, 20_000, `killed ${kills} times`)
})

t.test('it is plain JavaScript: it works where it is installed under node_modules', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'waybill-client-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const { cpSync, mkdirSync, writeFileSync } = await import('node:fs')
  const installed = join(directory, 'node_modules/waybill')
  mkdirSync(installed, { recursive: true })
  const root = join(import.meta.dirname, '../..')
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  cpSync(join(root, 'integrations/client'), join(installed, 'integrations/client'), { recursive: true })
  writeFileSync(
    join(directory, 'app.mjs'),
    "import { openClient } from 'waybill/client'\nprocess.exitCode = typeof openClient({ data: '/x' }).record === 'function' ? 0 : 1\n",
  )
  const app = spawn(process.execPath, ['app.mjs'], { cwd: directory, stdio: 'ignore' })
  const [code] = await once(app, 'exit')
  t.equal(code, 0)
})
