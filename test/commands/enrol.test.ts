import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readEnrolCode, writeEnrolCode } from '../../shared/protocol/enrol-code.ts'
import { Desk } from './desk.ts'

interface ServerStatus {
  studyVersion: number
  ports: { port: number }
  devices: Array<{ name: string; role: string; site: string | null }>
}

/** A founded study whose server listens. */
async function clinic(t: Test) {
  const desk = new Desk(t)
  const data = desk.path('server')
  const told = await desk.do([
    'study',
    'create',
    'Motse cohort',
    '--data',
    data,
    '--recovery-kit',
    desk.path('kit.json'),
  ])
  const server = await desk.start('server', data)
  const code = async (name: string, role = 'field') =>
    (await desk.do(['enrol-code', '--data', data, '--role', role, '--name', name])).trim()
  const names = async () =>
    (await desk.json<ServerStatus>(['status', '--data', data])).devices.map(({ name }) => name).sort()
  return { desk, data, server, told, code, names }
}

t.test('a study is founded once, and its kit is never written over', async (t) => {
  const desk = new Desk(t)
  const [data, kit] = [desk.path('server'), desk.path('server', 'TAKE-OFFLINE-recovery-kit.json')]
  const told = await desk.do(['study', 'create', 'Motse cohort', '--data', data])
  t.match(told, `TAKE OFFLINE: ${kit}`)
  t.equal(statSync(kit).mode & 0o777, 0o600, 'the kit is readable by its owner alone')
  const [before, identity] = [readFileSync(kit, 'utf8'), readFileSync(join(data, 'identity.json'), 'utf8')]
  await desk.refused(['study', 'create', 'Other', '--data', data], 'DATA_OCCUPIED', /already holds a device/)
  const elsewhere = ['--data', desk.path('other'), '--recovery-kit', kit]
  await desk.refused(['study', 'create', 'Other', ...elsewhere], 'DATA_OCCUPIED', /kit/)
  t.equal(readFileSync(kit, 'utf8'), before, 'the kit is as it was')
  t.equal(readFileSync(join(data, 'identity.json'), 'utf8'), identity, 'the server is as it was')
  t.throws(() => statSync(desk.path('other', 'identity.json')), { code: 'ENOENT' }, 'no second study was founded')
})

t.test('a laptop is added by argument, by standard input and by address; a code works once', async (t) => {
  const { desk, data, server, code, names } = await clinic(t)
  const [first, second] = [await code('lap-01'), await code('driver', 'relay')]
  t.match(await desk.do(['enrol', first, '--data', desk.path('l1')]), /^lap-01 is added .*: waybill daemon --data /)
  t.match(
    await desk.do(['enrol', '--data', desk.path('r')], { input: ['\n', `  ${second}\n`] }),
    /waybill relay --data /,
  )
  await desk.refused(['enrol', first, '--data', desk.path('l1')], 'DATA_OCCUPIED')
  await desk.refused(['enrol', first, '--data', desk.path('thief')], 'CODE_REFUSED', /the server says/)
  const noAddress = writeEnrolCode({ ...readEnrolCode(await code('lap-02')), addresses: ['127.0.0.1:9'] })
  await desk.refused(['enrol', noAddress, '--data', desk.path('l2')], 'PEER_UNREACHABLE', /127\.0\.0\.1:9/)
  const at = ['--server', `https://127.0.0.1:${server.ports.port}`]
  await desk.do(['enrol', noAddress, ...at, '--data', desk.path('l2')])
  const guessed = writeEnrolCode({ ...readEnrolCode(first), secret: 'A'.repeat(22) })
  await desk.refused(['enrol', guessed, '--data', desk.path('l3')], 'CODE_REFUSED')
  const otherStudy = writeEnrolCode({ ...readEnrolCode(await code('lap-03')), study: 'ab'.repeat(32) })
  await desk.refused(['enrol', otherStudy, '--data', desk.path('l3')], 'PIN_MISMATCH', /not of the study/)
  await desk.refused(
    ['enrol', first.slice(0, -9), '--data', desk.path('l3')],
    'BAD_ARGUMENT',
    /a part of it is missing/,
  )
  await desk.refused(['enrol', '--data', desk.path('l3')], 'BAD_ARGUMENT', /no code was given/)
  await desk.refused(['enrol-code', '--data', data, '--role', 'field', '--name', 'lap-01'], 'BAD_ARGUMENT', /taken/)
  t.same(await names(), ['driver', 'lap-01', 'lap-02', 'server'])
  t.equal(await server.stop(), 0)
  expectKeysStayed(t, desk, ['server', 'l1', 'l2', 'r'])
})

t.test('an answer that is lost burns nothing: the same keys get the same answer', async (t) => {
  const { desk, data, server, code, names } = await clinic(t)
  const given = await code('lap-01')
  const home = desk.path('l1')
  const isAdded = () => readdirSync(join(data, 'study-documents')).length > 1
  const enrol = ['enrol', given, '--data', home, '--server']
  const between = await passing(t, server.ports.port ?? 0, () => {
    if (isAdded()) child.kill('SIGKILL')
    return !isAdded()
  })
  const child = desk.spawn([...enrol, `https://127.0.0.1:${between}`])
  await once(child, 'exit')
  t.equal(child.signalCode, 'SIGKILL', 'killed when the server had answered')
  t.same(readdirSync(home), ['keys.json'], 'the laptop has its keys and is nobody yet')
  t.equal(statSync(join(home, 'keys.json')).mode & 0o777, 0o600)
  const { signing } = JSON.parse(readFileSync(join(home, 'keys.json'), 'utf8'))
  await desk.refused(['enrol', given, '--data', desk.path('l2')], 'CODE_REFUSED')
  await desk.do([...enrol, `127.0.0.1:${server.ports.port}`])
  t.equal(JSON.parse(readFileSync(join(home, 'identity.json'), 'utf8')).secrets.signing, signing, 'the same keys')
  t.same(await names(), ['lap-01', 'server'], 'one device')
  t.equal(readdirSync(join(data, 'study-documents')).length, 2, 'the same answer: nothing more was published')
})

t.test('where there is no network: request file, answer file and pin', async (t) => {
  const { desk, data, told, names } = await clinic(t)
  const [home, request, answer] = [desk.path('l1'), desk.path('request.json'), desk.path('answer.json')]
  const pin = /[0-9a-f]{64}/.exec(told)?.[0] ?? ''
  await desk.refused(['enrol', '--answer', request, '--pin', pin, '--data', home], 'BAD_ARGUMENT', /no such file/)
  await desk.do(['enrol', '--request', request, '--data', home])
  const as = ['--data', data, '--role', 'field', '--name', 'lap-01', '--out', answer]
  t.match(await desk.do(['answer', request, ...as]), `--pin ${pin}`)
  t.match(await desk.do(['answer', request, ...as]), `--pin ${pin}`, 'asked again, it answers again')
  await desk.refused(['answer', answer, ...as], 'BAD_ARGUMENT', /not a request file/)
  await desk.refused(['enrol', '--answer', answer, '--data', home], 'BAD_ARGUMENT', /--pin/)
  const wrong = `${pin.slice(0, -1)}${pin.endsWith('0') ? '1' : '0'}`
  await desk.refused(['enrol', '--answer', answer, '--pin', wrong, '--data', home], 'PIN_MISMATCH')
  await desk.refused(['enrol', '--answer', request, '--pin', pin, '--data', home], 'BAD_DOCUMENT')
  await desk.refused(
    ['enrol', '--answer', answer, '--pin', pin, '--data', desk.path('l2')],
    'DATA_MISSING',
    /--request/,
  )
  await desk.do(['enrol', '--request', desk.path('other.json'), '--data', desk.path('l2')])
  await desk.refused(
    ['enrol', '--answer', answer, '--pin', pin, '--data', desk.path('l2')],
    'CREDENTIAL_REFUSED',
    /not for the keys of this device/,
  )
  t.match(await desk.do(['enrol', '--answer', answer, '--pin', pin.toUpperCase(), '--data', home]), /lap-01 is added/)
  t.same(await names(), ['lap-01', 'server'])
  expectKeysStayed(t, desk, ['server', 'l1'], [request, answer])
})

t.test('many codes from a list; a bad line is named and makes none', async (t) => {
  const desk = new Desk(t)
  const data = desk.path('server')
  await desk.do(['study', 'create', 'Motse cohort', '--data', data])
  const list = desk.path('laptops.csv')
  const from = ['enrol-code', '--from', list, '--data', data]
  const bad: Array<[string, RegExp]> = [
    ['role,name,site\nfield,lap-01,\n\nboss,lap-02,\n', /laptops\.csv, line 4: the role is field or relay/],
    ['role,name\nfield,lap-01\nfield,lap-01\n', /line 3: the name lap-01 is there twice/],
    ['role,name\nfield,\n', /line 2: The name is missing/],
    ['role,name\nfield,lap-01\nfield,server\n', /line 3: the name server is taken/],
    ['role,Name\nfield,lap-01\n', /line 1: Name is no column/],
    ['name\nlap-01\n', /line 1: the column role is missing/],
    ['role,name\nfield\n', /line 2/],
    ['role,name\n', /lists no device/],
  ]
  for (const [text, says] of bad) {
    writeFileSync(list, text)
    await desk.refused(from, 'BAD_ARGUMENT', says)
  }
  await desk.refused([...from, '--name', 'lap-01'], 'BAD_ARGUMENT', /cannot be used with/)
  writeFileSync(list, '\ufeffrole,name,site\r\nfield,lap-01,\r\nrelay,"Thabo, driver",\r\n')
  const told = (await desk.do([...from, '--json']))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(told, [
    { role: 'field', name: 'lap-01', site: null, code: /^waybill1\./ },
    { role: 'relay', name: 'Thabo, driver', site: null, code: /^waybill1\./ },
  ])
  t.not(told[0].code, told[1].code)
})

/** A port that passes bytes on to another; before each chunk that comes back it asks whether it may. */
async function passing(t: Test, to: number, mayAnswer: () => boolean): Promise<number> {
  const middle: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    near.pipe(far)
    far.on('data', (chunk) => (mayAnswer() ? near.write(chunk) : near.destroy()))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  middle.listen(0, '127.0.0.1')
  await once(middle, 'listening')
  t.teardown(() => middle.close())
  const address = middle.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** No private key is in what was printed, in a log, in another file or readable by others. */
function expectKeysStayed(t: Test, desk: Desk, homes: string[], files: string[] = []): void {
  const told = [...desk.said, ...files.map((path) => readFileSync(path, 'utf8'))].join('\n')
  for (const home of homes) {
    const path = desk.path(home, 'identity.json')
    t.equal(statSync(path).mode & 0o777, 0o600, `${home}: the keys are readable by their owner alone`)
    const secrets: Record<string, string | null> = JSON.parse(readFileSync(path, 'utf8')).secrets
    for (const [name, secret] of Object.entries(secrets))
      t.notOk(secret !== null && told.includes(secret), `${home}: the ${name} key was never told`)
    t.throws(() => statSync(desk.path(home, 'keys.json')), { code: 'ENOENT' }, `${home}: no second copy of the keys`)
  }
}
