import fc from 'fast-check'
import t from 'tap'
import { type BatchHead, maxFrameBytes, readFrame, writeFrame } from '../../../shared/protocol/batch-frame.ts'
import { maxPayloadBytes } from '../../../shared/protocol/payload.ts'

const seed = 20261124
const jws = 'YQ.Yg.Yw'
const head: BatchHead = {
  v: 1,
  manifest: jws,
  path: [jws],
  credentials: [jws],
  at: '2026-11-24T08:00:00.000Z',
  head: null,
}
const refused = (message: RegExp) => ({ code: 'BAD_DOCUMENT', message })

t.test('a frame gives back its head and any bytes, newlines too', async (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.constantFrom(10, 13, 0, 123), { maxLength: 50 }),
  )
  fc.assert(
    fc.property(bytes, fc.option(fc.record({ seq: fc.nat(), unsealed: fc.nat() }), { nil: null }), (given, told) => {
      const payload = Uint8Array.from(given)
      const batch = { ...head, head: told && { chain: 'a'.repeat(32), ...told } }
      const read = readFrame(writeFrame(batch, payload))
      return JSON.stringify(read.batch) === JSON.stringify(batch) && read.payload.equals(payload)
    }),
    { seed, numRuns: 200 },
  )
  t.pass(`seed ${seed}`)
})

t.test('a frame that is none is refused, by name', async (t) => {
  const frame = (line: unknown) => Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\nbytes`)
  t.throws(() => readFrame(Buffer.alloc(0)), refused(/no head line/))
  t.throws(() => readFrame(Buffer.from('bytes without a line')), refused(/no head line/))
  t.throws(() => readFrame(frame('not JSON')), refused(/not JSON/))
  t.throws(() => readFrame(frame('null')), refused(/Expected object/))
  t.throws(() => readFrame(frame({ ...head, v: 2 })), refused(/\/v /))
  t.throws(() => readFrame(frame({ ...head, extra: 1 })), refused(/\/extra /), 'house rule 9: no silent removal')
  t.throws(() => readFrame(frame({ ...head, manifest: 'two.parts' })), refused(/\/manifest /))
  t.throws(() => readFrame(frame({ ...head, path: Array.from({ length: 65 }, () => jws) })), refused(/\/path /))
})

t.test('house rule 14: a head line has a limit, and a whole frame too', async (t) => {
  const padded = (bytes: number) =>
    Buffer.concat([Buffer.from(JSON.stringify(head).padEnd(bytes)), Buffer.from('\nxy')])
  t.equal(readFrame(padded(1_048_576)).payload.toString(), 'xy')
  t.throws(() => readFrame(padded(1_048_577)), refused(/no head line/))
  t.equal(maxFrameBytes, 1_048_576 + 1 + maxPayloadBytes)
})
