import t, { type Test } from 'tap'
import { until } from '../fixtures/until.ts'
import { Desk } from './desk.ts'

interface Recorded {
  accepted: number
  known: number
  refused: Array<{ line: number; code: string; message: string }>
}

interface LaptopStatus {
  running: boolean
  counts: Record<string, { changes: number; batches: number }>
}

/** A laptop of a study, added by files. */
async function laptop(t: Test) {
  const desk = new Desk(t)
  const [server, data, request, answer] = ['server', 'l1', 'request', 'answer'].map((name) => desk.path(name))
  const told = await desk.do(['study', 'create', 'Motse cohort', '--data', `${server}`])
  const pin = /[0-9a-f]{64}/.exec(told)?.[0] ?? ''
  await desk.do(['enrol', '--request', `${request}`, '--data', `${data}`])
  const as = ['--role', 'field', '--name', 'lap-01', '--out', `${answer}`]
  await desk.do(['answer', `${request}`, '--data', `${server}`, ...as])
  await desk.do(['enrol', '--answer', `${answer}`, '--pin', pin, '--data', `${data}`])
  const record = async (input: Iterable<string | Buffer>) => {
    const { code, out, err } = await desk.run(['record', '--data', `${data}`, '--json'], { input })
    t.equal(err, '')
    return { code, ...(JSON.parse(out) as Recorded) }
  }
  const outbox = async () => (await desk.json<LaptopStatus>(['status', '--data', `${data}`])).counts.outbox?.changes
  return { desk, data: `${data}`, record, outbox }
}

const visit = (id: string, fields: object = { weight: 61.5 }) =>
  `${JSON.stringify({ id, model: 'clinic.visit', action: 'insert', pk: `pk-${id}`, fields })}\n`

const dumped = (pk: number, weight: number) => ({ model: 'clinic.visit', pk, fields: { weight, note: 'a, [b] {"c' } })

t.test('invariant 8: NDJSON in any pieces; a bad line is named, makes exit 1, and spoils no other', async (t) => {
  const { desk, data, record, outbox } = await laptop(t)
  const text = Buffer.from(visit('a', { note: 'Ke a leboga \u{1f600}\u2028' }) + visit('b') + visit('c').trimEnd())
  const pieces = Array.from({ length: Math.ceil(text.length / 7) }, (_, at) => text.subarray(at * 7, at * 7 + 7))
  t.same(await record(pieces), { code: 0, accepted: 3, known: 0, refused: [] }, 'split within characters')
  t.same(await record([text]), { code: 0, accepted: 0, known: 3, refused: [] }, 'invariant 2: a repeat is known')
  const mixed = [
    ...[
      visit('d'),
      '\n',
      '{"id":"e"\n',
      visit('f').replace('insert', 'upsert'),
      'null\n',
      visit('g').replace('61.5', '9007199254740993'),
    ],
    ...[
      visit('h').replace('"weight":61.5', '"weight":1,"weight":2'),
      visit('i', { note: 'x'.repeat(1_100_000) }),
      visit('j'),
    ],
  ]
  const told = await record(mixed)
  t.match(told, { code: 1, accepted: 2, known: 0 }, 'exit 1: something was refused')
  t.same(
    told.refused.map(({ line, code }) => [line, code]),
    [
      ...[
        [3, 'CHANGE_INVALID'],
        [4, 'CHANGE_INVALID'],
        [5, 'CHANGE_INVALID'],
        [6, 'CHANGE_INVALID'],
      ],
      ...[
        [7, 'CHANGE_INVALID'],
        [8, 'CHANGE_TOO_LARGE'],
      ],
    ],
    'each with its line and code',
  )
  t.match(told.refused[1]?.message, /action/, 'the message names the field')
  t.same(Object.keys(told.refused[0] ?? {}), ['line', 'code', 'message'])
  t.equal(await outbox(), 5)
  const words = await desk.run(['record', '--data', data], { input: mixed })
  t.match(words, { code: 1, err: '', out: /^0 accepted, 2 known, 6 refused\nline 3: CHANGE_INVALID: .*Hint: / })
  t.notMatch(words.out, /\p{Cc}(?<!\n)/u, 'no control characters reach the terminal')
  t.match(await record([]), { code: 0, accepted: 0, known: 0, refused: [] }, 'nothing given')
})

t.test("Django's dumpdata: one line or indented; told again it is known, changed it is an update", async (t) => {
  const { record, outbox } = await laptop(t)
  const dump = [dumped(1, 60), dumped(2, 70.5), dumped(3, 80)]
  t.match(await record([JSON.stringify(dump)]), { code: 0, accepted: 3, known: 0, refused: [] }, 'one line')
  t.match(
    await record([JSON.stringify(dump, null, 2)]),
    { code: 0, accepted: 0, known: 3 },
    'indented: the same objects',
  )
  const later = [dumped(1, 60), dumped(2, 71), dumped(4, 50)]
  t.match(
    await record([`\n${JSON.stringify(later, null, 4)}\n`]),
    { code: 0, accepted: 2, known: 1 },
    'one changed, one new',
  )
  const withBad = `[${JSON.stringify(dumped(5, 1))},\n {"pk": 1},\n ${JSON.stringify(dumped(6, 1))}]`
  t.match(await record([withBad]), { code: 1, accepted: 2, refused: [{ line: 2, code: 'CHANGE_INVALID' }] })
  const torn = await record([JSON.stringify([dumped(7, 1), dumped(8, 1)]).slice(0, -20)])
  t.match(torn, { code: 1, accepted: 1, refused: [{ line: 2, code: 'CHANGE_INVALID' }] }, 'a dump that breaks off')
  t.match(await record(['[]']), { code: 0, accepted: 0, known: 0, refused: [] }, 'an empty dump')
  t.equal(await outbox(), 8)
})

t.test('recording while the program runs, and several at once: all is there once', async (t) => {
  const { desk, data, record } = await laptop(t)
  const run = (name: string) => Array.from({ length: 1500 }, (_, index) => visit(`${name}-${index}`))
  t.match(await record(run('before')), { accepted: 1500 })
  const daemon = await desk.start('daemon', data, ['--no-push'])
  const told = await Promise.all([record(run('x')), record(run('y')), record(run('x'))])
  t.ok(told.every(({ code, refused }) => code === 0 && refused.length === 0))
  t.equal(
    told.reduce((sum, { accepted }) => sum + accepted, 0),
    3000,
    'what two gave at once was taken from one of them',
  )
  t.equal(
    told.reduce((sum, { known }) => sum + known, 0),
    1500,
  )
  const status = () => desk.json<LaptopStatus>(['status', '--data', data])
  await until('the program seals', async () => ((await status()).counts.sealed?.batches ?? 0) > 0)
  const { running, counts } = await status()
  t.ok(running)
  t.equal(
    (counts.outbox?.changes ?? 0) + (counts.sealed?.changes ?? 0),
    4500,
    'invariant 9: in the outbox or sealed, none in both',
  )
  t.equal(await daemon.stop(), 0)
  t.match(await record(run('x')), { accepted: 0, known: 1500 }, 'what was sealed meanwhile is still known')
  t.match(await desk.do(['verify', '--data', data]), /as it should be: \d+ batches/)
})
