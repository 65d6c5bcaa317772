import fc from 'fast-check'
import t from 'tap'
import { splitFrames } from '../../../shared/protocol/split-frames.ts'

const seed = 20261125
const readHead = (line: string) => ({ head: line, size: Number(line.split(':')[1]) })

async function* inPieces(bytes: Buffer, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

async function split(bytes: Buffer, length: number): Promise<[string, string][]> {
  const frames: [string, Buffer[]][] = []
  for await (const piece of splitFrames(inPieces(bytes, length), readHead)) {
    if (piece.head !== undefined) frames.push([piece.head, []])
    else frames.at(-1)?.[1].push(Buffer.from(piece.bytes))
  }
  return frames.map(([head, parts]) => [head, Buffer.concat(parts).toString('hex')])
}

t.test('frames are the same however their bytes are cut, newlines in them too', async (t) => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(fc.constantFrom(10, 13, 0, 123), { maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(payload, { maxLength: 8 }),
      fc.integer({ min: 1, max: 300 }),
      async (payloads, length) => {
        const frames = payloads.map((bytes, index) => [Buffer.from(`${index}:${bytes.length}\n`), Buffer.from(bytes)])
        const read = await split(Buffer.concat(frames.flat()), length)
        const wanted = payloads.map((bytes, index) => [`${index}:${bytes.length}`, Buffer.from(bytes).toString('hex')])
        return JSON.stringify(read) === JSON.stringify(wanted)
      },
    ),
    { seed, numRuns: 300 },
  )
  t.pass(`seed ${seed}`)
})

t.test('the last piece of a frame says that nothing is left of it', async (t) => {
  const left: number[] = []
  for await (const piece of splitFrames(inPieces(Buffer.from('a:5\nhello'), 6), readHead))
    if (piece.head === undefined) left.push(piece.left)
  t.strictSame(left, [3, 0])
})

t.test('what breaks off says so, and so does what is no head line', async (t) => {
  await t.rejects(split(Buffer.from('a:5\nhell'), 100), { code: 'PEER_UNREACHABLE' })
  await t.rejects(split(Buffer.from('a:5\nhellob:'), 100), { code: 'BAD_DOCUMENT' })
  t.strictSame(await split(Buffer.from(''), 100), [], 'nothing is no frame')
  const long = (bytes: number) => Buffer.from(`${'x'.repeat(bytes - 2)}:0\n`)
  t.equal((await split(long(1_048_576), 65_536)).length, 1)
  await t.rejects(split(long(1_048_577), 65_536), { code: 'BAD_DOCUMENT' }, 'house rule 14: it has a limit')
})
