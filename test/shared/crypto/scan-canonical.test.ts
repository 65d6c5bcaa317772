import { isUtf8 } from 'node:buffer'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import t from 'tap'
import { isCanonical } from '../../../shared/crypto/canonical.ts'
import { scanValue, unseen } from '../../../shared/crypto/scan-canonical.ts'

const sees = (text: string | Buffer) => scanValue(Buffer.from(text), 0) === Buffer.byteLength(text)

/** As the library has it; half a surrogate pair has no form. */
function judge(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false
  try {
    return isCanonical(JSON.parse(bytes.toString()), bytes.toString())
  } catch {
    return false
  }
}

const asciiName = fc.string({ unit: 'grapheme-ascii', maxLength: 8 }).filter((name) => !/["\\]/.test(name))
const { value: ordinary } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    ...[fc.string({ unit: 'binary' }), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()],
    ...[fc.integer({ min: -99_999, max: 99_999 }).map((n) => n / 1000), fc.boolean(), fc.constant(null)],
    ...[fc.array(tie('value'), { maxLength: 5 }), fc.dictionary(asciiName, tie('value'), { maxKeys: 6 })],
  ),
}))

t.test('RFC 8785: every value whose names are plain is seen in the form that the library writes', async (t) => {
  fc.assert(
    fc.property(ordinary, (value) => sees(canonicalize(value) ?? '')),
    { numRuns: 3_000 },
  )
  const plain = ['0', '-1', '10', '-0.5', '0.000001', '1e-7', '1e+21', '0.30000000000000004', '123456789012345']
  const texts = ['""', '"é€😀"', '"\\""', '"\\\\"', '"\\b\\t\\n\\f\\r"', '"\\u0000\\u001f\\u000b"']
  const others = ['[]', '{}', 'true', 'false', 'null', '[[],{}]', '{"":1}', '{"a":1,"aa":2,"b":3}', '{"a":1,"a!":2}']
  for (const text of [...plain, ...texts, ...others, `"${'x'.repeat(100_000)}"`, `{"${'n'.repeat(199)}":1}`])
    t.ok(sees(text), text.slice(0, 60))
  t.ok(sees('"\u2028\u007f"'), 'a line separator and a delete')
})

t.test('RFC 8785: what is seen is canonical, whatever the bytes', async (t) => {
  const bent = fc.tuple(ordinary, fc.nat(), fc.nat(255), fc.nat(2)).map(([value, at, byte, kind]) => {
    const bytes = Buffer.from(canonicalize(value) ?? '')
    const place = at % (bytes.length + 1)
    const insert = kind === 0 ? [] : [byte]
    return Buffer.concat([bytes.subarray(0, place), Buffer.from(insert), bytes.subarray(place + (kind === 1 ? 0 : 1))])
  })
  let [taken, left] = [0, 0]
  fc.assert(
    fc.property(bent, (bytes) => {
      const isSeen = isUtf8(bytes) && sees(bytes)
      if (isSeen) taken += 1
      else left += 1
      return !isSeen || judge(bytes)
    }),
    { numRuns: 20_000 },
  )
  t.ok(taken > 1_000 && left > 1_000, `some are seen (${taken}), some are not (${left})`)
})

t.test('RFC 8785: what is written otherwise is not seen', async (t) => {
  const numbers = ['-0', '01', '1.0', '1.', '.5', '-', '1e2', '1E2', '1e21', '0.0000001', '1.50', '-.5', '00.5', '+1']
  const more = ['9007199254740993', '1e+22e', '0.1000000000000000055', 'Infinity', 'NaN', `1${'0'.repeat(400)}`]
  const texts = [
    '"\\u0041"',
    '"\\/"',
    '"\\u000A"',
    '"\\u0008"',
    '"\\u001F"',
    '"\\ud800"',
    '"',
    '"\\',
    '"a\nb"',
    '"\\x"',
  ]
  const objects = ['{"b":1,"a":2}', '{"a":1,"a":1}', '{"9":3,"10":2}', '{"aa":1,"a":2}', '{"a!":1,"a":2}', '{"a":1,}']
  const others = [
    '[1, 2]',
    '[1,]',
    '[',
    '{',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    'tru',
    'nul',
    'truE',
    '',
    ' 1',
    '[1 ]',
    '{"\\u0061":1}',
  ]
  for (const text of [...numbers, ...more, ...texts, ...objects, ...others]) t.notOk(sees(text), text.slice(0, 60))
})

t.test('what cannot be seen at sight may be canonical all the same', async (t) => {
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`
  for (const text of ['{"é":1}', `{"${'n'.repeat(201)}":1}`, deep, `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`]) {
    t.equal(scanValue(Buffer.from(text), 0), unseen)
    t.ok(isCanonical(JSON.parse(text), text))
  }
})
