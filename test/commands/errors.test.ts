import { writeFileSync } from 'node:fs'
import t from 'tap'
import { Desk } from './desk.ts'

const commands = [
  ...[[], ['study'], ['study', 'create'], ['study', 'show'], ['study', 'publish'], ['study', 'recover'], ['server']],
  ...[['enrol-code'], ['answer'], ['enrol'], ['daemon'], ['relay'], ['record'], ['page'], ['status'], ['receipts']],
  ...[['changes'], ['verify'], ['backup'], ['revoke'], ['outbox'], ['outbox', 'ddl']],
  ...[['models'], ['models', 'list'], ['models', 'check'], ['conflicts'], ['conflicts', 'list'], ['conflicts', 'show']],
  ...[
    ['conflicts', 'resolve'],
    ['quarantine'],
    ['quarantine', 'list'],
    ['quarantine', 'show'],
    ['quarantine', 'retry'],
  ],
  ...[['quarantine', 'discard'], ['merge'], ['merge', 'list'], ['merge', 'retract']],
  ...[['records'], ['compare'], ['inbox'], ['inbox', 'ddl'], ['trust'], ['openapi']],
  ...[['token'], ['token', 'create'], ['token', 'list'], ['token', 'revoke']],
  ...[['account'], ['account', 'add'], ['account', 'list'], ['account', 'password'], ['account', 'disable']],
]

t.test('--help everywhere: on standard output, with 0', async (t) => {
  const desk = new Desk(t)
  const told = await Promise.all(commands.map((command) => desk.run([...command, '--help'])))
  for (const [index, { code, out, err }] of told.entries()) {
    const words = commands[index] ?? []
    t.match({ code, err }, { code: 0, err: '' }, `waybill ${words.join(' ')} --help`)
    t.ok(out.startsWith(`Usage: ${['waybill', ...words].join(' ')} `), `${words.join(' ')}: names itself`)
    const groups = ['', 'study', 'outbox', 'inbox', 'models', 'conflicts', 'quarantine', 'token', 'account']
    const isGroup = groups.includes(words.join())
    const isOfNoDevice = ['outbox,ddl', 'inbox,ddl', 'openapi', 'compare'].includes(words.join())
    t.ok(isGroup || out.includes('\nFor example:\n'), `${words.join(' ')}: shows what to type`)
    t.ok(isGroup || isOfNoDevice || out.includes('--data <dir>'), `${words.join(' ')}: tells of --data`)
  }
  const [all] = told
  for (const name of new Set(commands.slice(1).map(([name]) => name)))
    t.match(all?.out, new RegExp(`^ {2}${name} `, 'm'), `waybill --help lists ${name}`)
  t.match(await desk.run(['--version']), { code: 0, out: /^\d+\.\d+\.\d+\n$/, err: '' })
})

t.test('what the command line gets wrong: one line, exit 1, nothing printed', async (t) => {
  const desk = new Desk(t)
  const none = ['--data', desk.path('none')]
  writeFileSync(desk.path('file'), '')
  await Promise.all([
    desk.refused([], 'BAD_ARGUMENT', /a command is missing/),
    desk.refused(['study'], 'BAD_ARGUMENT', /a command is missing/),
    desk.refused(['stauts'], 'BAD_ARGUMENT', /unknown command 'stauts'.*status/),
    desk.refused(['study', 'creat'], 'BAD_ARGUMENT', /unknown command 'creat'.*create/),
    desk.refused(['status', '--jsn'], 'BAD_ARGUMENT', /unknown option '--jsn'.*--json/),
    desk.refused(['status', 'here'], 'BAD_ARGUMENT', /too many arguments/),
    desk.refused(['study', 'create', ...none], 'BAD_ARGUMENT', /missing required argument 'name'/),
    desk.refused(['study', 'create', ' ', ...none], 'BAD_ARGUMENT', /name is missing/),
    desk.refused(['study', 'create', 'a\nb', ...none], 'BAD_ARGUMENT', /one line/),
    desk.refused(['server', '--port', '65536'], 'BAD_ARGUMENT', /0 to 65535/),
    desk.refused(['relay', '--page-port', '7x'], 'BAD_ARGUMENT', /0 to 65535/),
    desk.refused(['daemon', '--servers', 'clinic'], 'BAD_ARGUMENT', /HOST:PORT/),
    desk.refused(['server', '--addresses', 'https://clinic:7460'], 'BAD_ARGUMENT', /HOST:PORT/),
    desk.refused(['daemon', '--log-level', 'loud'], 'BAD_ARGUMENT', /trace, debug/),
    desk.refused(['status', '--data', ''], 'BAD_ARGUMENT', /names no directory/),
    desk.refused(['status', '--data', desk.path('file', 'x')], 'BAD_ARGUMENT', /file is no directory/),
    desk.refused(['status'], 'BAD_ARGUMENT', /WAYBILL_DATA.*file is no directory/, {
      env: { WAYBILL_DATA: desk.path('file') },
    }),
  ])
})

t.test('a directory that holds no device: DATA_MISSING, and nothing is made there', async (t) => {
  const desk = new Desk(t)
  const none = ['--data', desk.path('none')]
  const wanting = [
    ...[['status'], ['page'], ['record'], ['server'], ['backup', '--to', desk.path('backups')]],
    ['enrol-code', '--role', 'field', '--name', 'lap-01'],
  ]
  await Promise.all(wanting.map((command) => desk.refused([...command, ...none], 'DATA_MISSING', /holds no device/)))
  t.throws(() => writeFileSync(desk.path('none', 'probe'), ''), { code: 'ENOENT' }, 'the directory was not made')
})
