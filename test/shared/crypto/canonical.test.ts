import canonicalize from 'canonicalize'
import fc from 'fast-check'
import t from 'tap'
import { isCanonical } from '../../../shared/crypto/canonical.ts'

const judge = (text: string) => isCanonical(JSON.parse(text), text)

t.test('RFC 8785: the form that the library writes is found canonical, whatever the value', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = canonicalize(value) ?? ''
      return judge(text)
    }),
    { numRuns: 2_000 },
  )
  t.ok(judge('{"1":1,"10":2,"9":3}'), 'names that look like numbers stand in text order')
  t.ok(judge(`${'['.repeat(5_000)}${']'.repeat(5_000)}`), 'deep nesting is read without recursion')
})

t.test('RFC 8785: a text is canonical when it is written as the rules say, whatever the value', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      return judge(text) === (text === canonicalize(JSON.parse(text)))
    }),
    { numRuns: 2_000 },
  )
  const wrong = [
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '[1, 2]',
    '[1.0]',
    '[1e2]',
    '[-0]',
    '"\\u0041"',
    '"\\/"',
    '{"9":3,"10":2}',
  ]
  for (const text of [...wrong, '[{"a":{"c":1,"b":2}}]']) t.notOk(judge(text), text)
  t.notOk(judge('"\\ud800"'), 'half a surrogate pair has no form')
})
