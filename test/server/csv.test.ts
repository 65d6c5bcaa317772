import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import t from 'tap'
import { csvLine } from '../../server/csv.ts'
import { writeTable } from '../../server/tables.ts'

t.test('RFC 4180: quotes, commas and line ends come back as they were', async (t) => {
  const text = fc.string({ unit: 'binary' }).filter((value) => !/^[=+\-@\t\r\n＝＋－＠]/.test(value))
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text, text), { minLength: 1 }), (rows) => {
      const written = rows.map((row) => csvLine(['x', ...row])).join('')
      t.same(
        parse(written, { bom: false }).map((cells: string[]) => cells.slice(1)),
        rows,
      )
    }),
  )
  t.equal(
    csvLine(['a', 'b,c', 'd"e', 'f\r\ng', null, undefined, 1.5, -2, true]),
    'a,"b,c","d""e","f\r\ng",,,1.5,-2,true\r\n',
  )
})

t.test('no cell computes on another person’s computer', async (t) => {
  for (const text of [
    '=1+1',
    '+1+1',
    '-1+1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    "=cmd|' /C calc'!A0",
    '＝1+1',
    '＋1+1a',
    '－x',
    '＠x',
  ])
    t.match(csvLine([text]), /^"'/, text)
  for (const harmless of ['-1.5', '+2', '-3,25', '1=1', 'a-b', "'=1"]) t.notMatch(csvLine([harmless]), /^"'/, harmless)
  t.equal(csvLine([{ a: '=1' }]), '"{""a"":""=1""}"\r\n', 'what is no plain value is JSON, which is no formula')
})

t.test('a table is JSON to the letter, and its rows come one by one', async (t) => {
  const rows = [{ a: '=1', b: 1 }, { a: null }]
  const json = (await Array.fromAsync(writeTable('json', ['a', 'b'], rows))).join('')
  t.same(JSON.parse(json), rows)
  t.same(JSON.parse((await Array.fromAsync(writeTable('json', [], []))).join('')), [])
  t.equal((await Array.fromAsync(writeTable('csv', ['a', 'b'], rows))).join(''), 'a,b\r\n"\'=1",1\r\n,\r\n')
})
