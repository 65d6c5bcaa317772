import fc from 'fast-check'
import t from 'tap'
import { readChange } from '../../daemon/read-change.ts'
import { maxChangeBytes } from '../../shared/protocol/change.ts'
import { WaybillError } from '../../shared/service/errors.ts'

const now = new Date('2026-11-24T08:00:00.000Z')

function read(text: string | Buffer) {
  return readChange(Buffer.from(text as string), now)
}

function withFields(fields: string): string {
  return `{"id":"a","model":"clinic.visit","action":"insert","pk":1,"fields":${fields}}`
}

function refusal(text: string | Buffer): WaybillError {
  try {
    read(text)
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
  throw new Error('it was taken')
}

t.test('what is no change is refused, and the message names the field', async (t) => {
  const cases: Array<[name: string, text: string | Buffer, code: string, says: RegExp]> = [
    ['no JSON', '{"id":', 'CHANGE_INVALID', /not JSON/],
    ['a list', '[1]', 'CHANGE_INVALID', /^\/: .*object/],
    ['no id', '{"model":"m","action":"insert","pk":1}', 'CHANGE_INVALID', /^\/id: /],
    ['a wrong action', withFields('{}').replace('insert', 'merge'), 'CHANGE_INVALID', /^\/action: /],
    ['an unknown member', withFields('{},"mood":"good"'), 'CHANGE_INVALID', /^\/mood: /],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'CHANGE_INVALID', /UTF-8/],
    ['half a surrogate pair', withFields('{"note":"\\ud800"}'), 'CHANGE_INVALID', /^\/fields\/note: /],
    ['half a pair in a name', withFields('{"a\\udc00":1}'), 'CHANGE_INVALID', /^\/fields\/a/],
    ['one name with two values', withFields('{"weight":1,"weight":2}'), 'CHANGE_INVALID', /weight/],
    ['one name with two values, at the top', '{"id":"a","id":"b"}', 'CHANGE_INVALID', /id/],
    ['a day that does not exist', withFields('{},"recordedAt":"2026-02-30T10:00:00Z"'), 'CHANGE_INVALID', /recordedAt/],
    ['nested beyond all measure', withFields(`{"a":${'['.repeat(300_000)}`), 'CHANGE_INVALID', /not JSON/],
  ]
  for (const [name, text, code, says] of cases) {
    const error = refusal(text)
    t.equal(error.code, code, name)
    t.match(error.message, says, name)
  }
})

t.test('a number that would arrive as another one is refused by its field', async (t) => {
  const lost = [
    '9007199254740993',
    '1e30',
    '1.0000000000000001',
    '0.12345678901234567',
    '1e-400',
    '1e400',
    '123456789.123456789',
  ]
  for (const number of lost) {
    t.equal(refusal(withFields(`{"dose":[${number}]}`)).code, 'CHANGE_INVALID', number)
    t.match(refusal(withFields(`{"dose":[${number}]}`)).message, /^\/fields\/dose\/0: .*text/, number)
  }
  const kept = [
    '0',
    '-0',
    '1.50',
    '1E2',
    '0.1',
    '0.30000000000000004',
    '5e-324',
    '9007199254740991',
    '36.600',
    '100e-2',
  ]
  for (const number of kept)
    t.equal(read(withFields(`{"dose":${number}}`))?.change.fields.dose === Number(number), true)
})

t.test('every double that JSON can write arrives as it is', async () => {
  const double = fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n))
  fc.assert(
    fc.property(double, (n) =>
      Object.is(read(withFields(`{"dose":${JSON.stringify(n)}}`))?.change.fields.dose, n === 0 ? 0 : n),
    ),
  )
})

t.test('any JSON text of fields comes out as it went in', async () => {
  const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => {
    const numbers = JSON.stringify(json).match(/-?\d+(\.\d+)?([eE][+-]?\d+)?/g) ?? []
    return numbers.every((n) => !Number.isInteger(Number(n)) || Number.isSafeInteger(Number(n)))
  })
  fc.assert(
    fc.property(value, (json) => {
      const change = read(withFields(JSON.stringify({ json })))
      return JSON.stringify(JSON.parse(change?.line ?? '').fields) === JSON.stringify({ json: sorted(json) })
    }),
  )
})

t.test('what is too large as others will see it is refused, and not sealed into what nobody opens', async (t) => {
  const growing = withFields(`{"a":[${Array(150_000).fill('1e15').join(',')}]}`)
  t.ok(Buffer.byteLength(growing) < maxChangeBytes, 'as given it is small enough')
  t.equal(refusal(growing).code, 'CHANGE_TOO_LARGE')
})

t.test('the same change is known by its digest however it is spelled, and another by another', async (t) => {
  const one = read('{"id":"a","model":"m","action":"insert","pk":"1","fields":{"x":1.0,"y":"\\u0041"}}')
  const same = read('{ "pk":"1","fields":{"y":"A","x":1},"action":"insert","model":"m","id":"a"}')
  t.equal(one?.digest, same?.digest)
  t.not(one?.digest, read('{"id":"a","model":"m","action":"insert","pk":"1","fields":{"x":2,"y":"A"}}')?.digest)
  t.equal(
    read(withFields('{},"recordedAt":"2026-11-01T12:00:00.5+02:00"'))?.change.recordedAt,
    '2026-11-01T10:00:00.500Z',
  )
  t.equal(read('  \t'), undefined, 'an empty line is nothing')
})

t.test('a field that JavaScript would swallow arrives', async (t) => {
  const line = read(withFields('{"__proto__":{"x":1},"constructor":2}'))?.line ?? ''
  t.match(line, '"fields":{"__proto__":{"x":1},"constructor":2}')
})

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value === 'number') return value === 0 ? 0 : value
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return JSON.parse(
    `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(sorted((value as Record<string, unknown>)[name]))}`).join(',')}}`,
  )
}
