import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { ComparedRecord } from '../../commands/compare-side.ts'
import { Comparison, type Difference } from '../../commands/comparison.ts'
import { Desk } from './desk.ts'

t.setTimeout(300_000)

const visit: ComparedRecord = {
  ...{ model: 'clinic.visit', pk: '77', state: 'present', naturalKey: ['S-1', '1000'] },
  fields: { weight: 61.5, note: null, list: [1, { a: 1, b: 2 }] },
}

async function* given(records: ComparedRecord[]): AsyncGenerator<ComparedRecord> {
  yield* records
}

async function differences(a: ComparedRecord[], b: ComparedRecord[]): Promise<Difference[]> {
  const comparison = new Comparison()
  await comparison.take('a', given(a))
  await comparison.take('b', given(b))
  const found = [...comparison.differences()]
  comparison.close()
  return found
}

t.test('field by field: another value, no value, null, another order of names', async (t) => {
  t.same(await differences([visit], [visit]), [])
  t.same(
    await differences([visit], [{ ...visit, fields: { list: [1, { b: 2, a: 1 }], note: null, weight: 61.5 } }]),
    [],
  )
  const { note: _, ...fields } = visit.fields
  const other = { ...visit, fields: { ...fields, weight: 62, more: '' } }
  t.same(await differences([visit], [other]), [
    {
      ...{ model: 'clinic.visit', pk: '77', a: 'present', b: 'present', naturalKey: null },
      fields: { more: { b: '' }, note: { a: null }, weight: { a: 61.5, b: 62 } },
    },
  ])
  t.match(await differences([visit], [{ ...visit, naturalKey: ['S-1', '1001'] }]), [
    {
      naturalKey: [
        ['S-1', '1000'],
        ['S-1', '1001'],
      ],
      fields: {},
    },
  ])
  t.match(await differences([visit], [{ ...visit, state: 'deleted' }]), [{ a: 'present', b: 'deleted' }])
})

t.test('what only one side has; what comes twice, or is merged away, counts as it came last', async (t) => {
  const [x, y] = [
    { ...visit, pk: 'x' },
    { ...visit, pk: 'y' },
  ]
  t.match(await differences([x, visit], [visit, y]), [
    { pk: 'x', a: 'present', b: null },
    { pk: 'y', a: null, b: 'present' },
  ])
  t.same(await differences([{ ...visit, fields: {} }, visit], [visit]), [])
  t.same(await differences([x, visit, { ...x, state: 'merged', fields: {} }], [visit]), [])
  t.same(await differences([], []), [])
})

t.test('property: the same as comparing two maps', async () => {
  const record = fc.record({
    model: fc.constantFrom('a.b', 'a.c', 'aé.\u{10000}'),
    pk: fc.constantFrom('1', '10', '2', '\ufffd', '\u{1f600}'),
    state: fc.constantFrom('present' as const, 'deleted' as const, 'merged' as const),
    naturalKey: fc.constant<unknown[]>([]),
    fields: fc.dictionary(fc.constantFrom('f', 'g'), fc.constantFrom(1, 2, null)),
  })
  const side = fc.array(record, { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(side, side, async (a, b) => {
      const [one, other] = [mapOf(a), mapOf(b)]
      const keys = [...new Set([...one.keys(), ...other.keys()])]
      const differ = keys.filter((key) => one.get(key) !== other.get(key)).sort()
      const found = (await differences(a, b)).map(({ model, pk }) => JSON.stringify([model, pk])).sort()
      return JSON.stringify(found) === JSON.stringify(differ)
    }),
    { numRuns: 200 },
  )
})

function mapOf(records: ComparedRecord[]): Map<string, string> {
  const map = new Map<string, string>()
  for (const { model, pk, state, fields } of records) {
    const key = JSON.stringify([model, pk])
    if (state === 'merged') map.delete(key)
    else map.set(key, JSON.stringify([state, Object.entries(fields).sort()]))
  }
  return map
}

/** Compares so many records of 4 KB a side, one of which differs. @returns the most memory that the process had meanwhile */
async function compareMany(t: Test, count: number): Promise<number> {
  const note = 'n'.repeat(4000)
  const many = async function* (odd: number): AsyncGenerator<ComparedRecord> {
    for (let at = 0; at < count; at += 1)
      yield { ...visit, pk: String((at * 7919) % count), fields: { at: at === odd ? -1 : at, note } }
  }
  const comparison = new Comparison()
  await comparison.take('a', many(-1))
  await comparison.take('b', many(1234))
  let most = process.memoryUsage().rss
  const found: Difference[] = []
  for (const difference of comparison.differences()) {
    found.push(difference)
    most = Math.max(most, process.memoryUsage().rss)
  }
  t.same(comparison.counts, { a: count, b: count })
  t.match(found, [{ fields: { at: { a: 1234, b: -1 } } }])
  comparison.close()
  return most
}

t.test('records do not stay in memory: four times as many need no more', async (t) => {
  const few = await compareMany(t, 4000)
  const many = await compareMany(t, 16_000)
  t.ok(many - few < 64 * 1024 * 1024, `${Math.round((many - few) / 1024 / 1024)} MiB more, for 96 MB more of text`)
})

function deskWith(t: Test, files: Record<string, Array<ComparedRecord | string>>): Desk {
  const desk = new Desk(t)
  for (const [name, lines] of Object.entries(files))
    writeFileSync(
      desk.path(name),
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    )
  return desk
}

t.test('the command: words, JSON and the exit code; what is no export is refused by its line', async (t) => {
  const other = { ...visit, fields: { ...visit.fields, weight: 62 } }
  const desk = deskWith(t, {
    'a.ndjson': [visit, { ...visit, pk: '78' }, ''],
    'b.ndjson': [other],
    'bad.ndjson': [visit, '{"model": 1}'],
    'text.ndjson': ['no JSON'],
    'long.ndjson': [JSON.stringify({ ...visit, fields: { x: 'x'.repeat(2 * 1024 * 1024) } })],
  })
  const run = (a: string, b: string, ...more: string[]) => desk.run(['compare', desk.path(a), desk.path(b), ...more])
  t.match(await run('a.ndjson', 'a.ndjson'), { code: 0, out: '2 records on one side, 2 on the other; no difference\n' })
  t.match(await run('a.ndjson', 'a.ndjson', '--json'), { code: 0, out: '[]\n' })
  const words = await run('a.ndjson', 'b.ndjson')
  t.match(words, { code: 1, err: '' })
  t.equal(
    words.out,
    'clinic.visit 77: weight: 61.5 | 62\nclinic.visit 78: only the first has it (present)\n2 records on one side, 1 on the other; 2 differ\n',
  )
  const told = await run('a.ndjson', 'b.ndjson', '--json')
  t.match(
    [told.code, JSON.parse(told.out)],
    [
      1,
      [
        { pk: '77', fields: { weight: { a: 61.5, b: 62 } } },
        { pk: '78', b: null },
      ],
    ],
  )
  const refuse = (file: string, code: string, says: RegExp) =>
    desk.refused(['compare', desk.path('a.ndjson'), desk.path(file)], code, says)
  await refuse('bad.ndjson', 'BAD_DOCUMENT', /bad\.ndjson, line 2: no record: \//)
  await refuse('text.ndjson', 'BAD_DOCUMENT', /line 1: not JSON/)
  await refuse('long.ndjson', 'TOO_LARGE', /longer than 2097152 bytes/)
  await refuse('gone', 'BAD_ARGUMENT', /no such file or directory/)
  await desk.refused(['compare', desk.path('a.ndjson'), 'https://127.0.0.1:1'], 'BAD_ARGUMENT', /with a token/)
})
