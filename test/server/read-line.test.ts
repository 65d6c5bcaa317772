import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import t from 'tap'
import { readAtSight, readLine } from '../../server/read-line.ts'
import { isCanonical } from '../../shared/crypto/canonical.ts'
import { Change } from '../../shared/protocol/change.ts'
import { changeLine } from '../fixtures/craft-batch.ts'

const schema = TypeCompiler.Compile(Change)
const read = (text: string) => readLine(Buffer.from(text))
const copyOf = (change: Change | string | undefined) => change && JSON.parse(JSON.stringify(change))
const usual = JSON.parse(changeLine({ id: 'c1', fields: { b: [1, { c: 'é' }], a: null } })) as Change

t.test('a change is read at sight, with everything that it says', async (t) => {
  const more = { reason: 'wrong form', site: 'gaborone', appVersion: '1.2', opaque: 'x'.repeat(5_000) }
  const odd = {
    fields: { fields: { fields: 'x' }, note: '"fields":{"a":1}' },
    naturalKey: ['"fields":', 7, null, true],
  }
  for (const change of [usual, { ...usual, ...more }, { ...usual, ...odd }, { ...usual, fields: {} }]) {
    const line = Buffer.from(canonicalize(change) ?? '')
    t.strictSame(copyOf(readAtSight(line)), change)
    t.strictSame(copyOf(readLine(line)), change)
  }
})

t.test('whatever a member says, a line is a change when the schema and RFC 8785 say so, at sight or not', async (t) => {
  const names = ['id', 'model', 'action', 'pk', 'naturalKey', 'fields', 'base', 'user', 'recordedAt', 'reason', 'more']
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    ...[fc.constant(undefined), fc.constant({ 'ä name': 1 }), fc.constant({ ['n'.repeat(201)]: 1 })],
    ...[fc.string({ maxLength: 300 }), fc.array(fc.string(), { maxLength: 80 })],
    fc.constantFrom<unknown>('delete', 'a.b', 'a..b', '2026-11-23T09:00:00.000Z', [], {}, [[]]),
  )
  let changes = 0
  fc.assert(
    fc.property(fc.constantFrom(...names), value, fc.boolean(), (name, given, canonical) => {
      const bent = { ...usual, [name]: given }
      const text = (canonical ? canonicalize(bent) : JSON.stringify(bent)) ?? ''
      const expected = schema.Check(JSON.parse(text)) && isCanonical(JSON.parse(text), text)
      const found = read(text)
      if (expected) changes += 1
      return expected ? canonicalize(copyOf(found)) === text : typeof found === 'string'
    }),
    { numRuns: 4_000 },
  )
  t.ok(changes > 200, `${changes} were changes`)
})

t.test('what is no change is told why', async (t) => {
  const line = canonicalize(usual) ?? ''
  const deep = canonicalize({ ...usual, fields: { a: JSON.parse(`${'['.repeat(1_001)}${']'.repeat(1_001)}`) } }) ?? ''
  t.match(read(`${line} `), 'not in RFC 8785 canonical form')
  t.match(read(line.replace('{"action"', '{ "action"')), 'not in RFC 8785 canonical form')
  t.match(read(line.replace('é', '\\u00e9')), 'not in RFC 8785 canonical form')
  t.match(read(line.replace('"a":null', '"a":"\\ud800"')), 'not in RFC 8785 canonical form')
  t.equal(read(deep), 'nested deeper than 1000')
  t.equal(readLine(Buffer.from(line, 'latin1')), 'not UTF-8')
  for (const text of ['', '{}', 'null', '[]', '"', `[${line}]`, line.slice(0, -1)]) t.type(read(text), 'string', text)
})
