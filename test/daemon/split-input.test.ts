import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { splitInput } from '../../daemon/split-input.ts'
import { maxChangeBytes } from '../../shared/protocol/change.ts'

type Split = Array<[number: number, text: string | null]>

async function* inChunks(bytes: Buffer, ends: number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(from, end)
    from = end
  }
}

async function split(text: string | Buffer, ends: number[] = []): Promise<Split> {
  const pieces: Split = []
  for await (const { number, text: piece } of splitInput(inChunks(Buffer.from(text as string), ends)))
    if (piece === null || piece.toString('utf8').trim() !== '')
      pieces.push([number, piece?.toString('utf8').trim() ?? null])
  return pieces
}

/** Text that hides what a splitter looks for. */
const tricky = fc.constantFrom('}', '{', ']', '[', ',', '"', '\\', '\\"', '\n', '\u00e9', '\ud83e\uddea', 'a', '\t')
const record = fc.record({
  id: fc.string({ unit: tricky }),
  fields: fc.dictionary(fc.string({ unit: tricky }), fc.jsonValue({ maxDepth: 2 })),
})
const records = fc.array(record, { minLength: 1, maxLength: 6 })

/** How the samples are cut: at one place, at every one, at some. */
function* cuts(length: number): Generator<number[]> {
  const everywhere = Array.from({ length }, (_, end) => end + 1)
  if (length < 250) for (const end of everywhere) yield [end]
  yield everywhere
  yield everywhere.filter((end) => end % 7 === 3)
}

t.test('lines and arrays split alike at every chunk boundary', async (t) => {
  const before = fc.constantFrom('', '\n\n', '\ufeff', '\ufeff \n')
  await fc.assert(
    fc.asyncProperty(records, before, fc.constantFrom(0, 2), async (made, head, indent) => {
      const texts = made.map((one) => JSON.stringify(one))
      const skipped = head.split('\n').length - 1
      const lines = Buffer.from(`${head}${texts.join('\n')}\n`)
      for (const ends of cuts(lines.length)) {
        const expected = texts.map((text, index) => [index + 1 + skipped, text])
        if (JSON.stringify(await split(lines, ends)) !== JSON.stringify(expected)) return false
      }
      const array = Buffer.from(`${head}${JSON.stringify(made, null, indent)}`)
      for (const ends of cuts(array.length)) {
        const pieces = (await split(array, ends)).map(([number, text]) => [
          number,
          JSON.stringify(JSON.parse(text ?? '')),
        ])
        if (JSON.stringify(pieces) !== JSON.stringify(texts.map((text, index) => [index + 1, text]))) return false
      }
      return true
    }),
    { numRuns: 30 },
  )
  t.pass('every boundary of 30 samples')
})

t.test('any bytes split alike whatever the chunks, and nothing that is given vanishes', async (t) => {
  const noise = fc
    .array(fc.constantFrom(...'[]{},:"\\ \n1ax'.split(''), '{"id":"a"}'), { maxLength: 40 })
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(noise, fc.array(fc.nat(60)), async (text, cuts) => {
      const ends = cuts.filter((cut) => cut <= text.length).sort((a, b) => a - b)
      const whole = await split(text)
      const letters = (pieces: Split) =>
        pieces
          .map(([, piece]) => piece)
          .join('')
          .replace(/[^1ax]/g, '')
      const isBrokenOff = whole.at(-1)?.[1] === '['
      return (
        JSON.stringify(whole) === JSON.stringify(await split(text, ends)) &&
        (isBrokenOff || letters(whole) === text.replace(/[^1ax]/g, ''))
      )
    }),
    { numRuns: 500 },
  )
  t.pass('500 samples')
})

t.test('what follows an array is not lost', async (t) => {
  t.same(await split('[{"a":1}]\n{"b":2}\n'), [
    [1, '{"a":1}'],
    [2, '{"b":2}'],
  ])
  t.same(await split('[{"a":1}] [{"b":2}]'), [
    [1, '{"a":1}'],
    [2, '{"b":2}'],
  ])
  t.same(await split('[{"a":1}]]\n{"b":2}'), [
    [1, '{"a":1}'],
    [2, ']'],
    [3, '{"b":2}'],
  ])
  t.same(await split('[{"a":1}]garbage'), [
    [1, '{"a":1}'],
    [2, 'garbage'],
  ])
})

t.test('an array that breaks off is refused where it does', async (t) => {
  t.same(await split('[{"a":1},{"b":'), [
    [1, '{"a":1}'],
    [2, '['],
  ])
  t.same(await split('[{"a":"}],{"b":1}]'), [[1, '[']])
  t.same(await split('[]'), [])
  t.same(await split(' \n '), [])
})

t.test('invariant 10: a line or an object without end is refused, and memory does not grow with it', async (t) => {
  const chunk = Buffer.alloc(256 * 1024, 'x')
  const chunks = 400
  for (const [name, before, after] of [
    ['line', '{"id":"', '"}\n{"id":"next"}\n'],
    ['object of an array', '[{"id":"', '"},{"id":"next"}]'],
  ] as const) {
    const start = process.memoryUsage().arrayBuffers
    let most = 0
    const endless = Readable.from(
      (function* () {
        yield Buffer.from(before)
        for (let count = 0; count < chunks; count += 1) {
          if (count % 20 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - start)
          yield chunk
        }
        yield Buffer.from(after)
      })(),
    )
    const found: Split = []
    for await (const { number, text } of splitInput(endless)) found.push([number, text?.toString() ?? null])
    t.same(
      found.slice(0, 2),
      [
        [1, null],
        [2, '{"id":"next"}'],
      ],
      `${name}: refused, and the next one is taken`,
    )
    t.ok(
      most < 16 * 1024 * 1024,
      `${name}: ${Math.round((chunk.length * chunks) / 1e6)} MB, at most ${Math.round(most / 1e6)} MB held`,
    )
  }
  const whole = `{"id":"${'y'.repeat(maxChangeBytes - 9)}"}`
  t.same(
    (await split(whole)).map(([number, text]) => [number, text?.length]),
    [[1, maxChangeBytes]],
    'the largest allowed',
  )
  t.same(await split(`${whole.slice(0, -2)}y"}`), [[1, null]], 'one byte more')
})
