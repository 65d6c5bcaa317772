import t from 'tap'
import { type BatchHead, readBatchHead, writeBatchHead } from '../../../shared/protocol/batch-frame.ts'
import { maxPayloadBytes } from '../../../shared/protocol/payload.ts'
import { readPayloadHead, writePayloadHead } from '../../../shared/protocol/payload-frame.ts'

const jws = 'YQ.Yg.Yw'
const head: BatchHead = {
  v: 1,
  manifest: jws,
  path: [jws],
  credentials: [jws],
  at: '2026-11-24T08:00:00.000Z',
  head: { chain: 'a'.repeat(32), seq: 1, unsealed: 0 },
  size: 7,
}
const refused = (message: RegExp) => ({ code: 'BAD_DOCUMENT', message })
const written = (line: Buffer) => {
  if (line.at(-1) !== 10 || line.indexOf(10) !== line.length - 1) throw new Error('one line, and no more')
  return line.toString('utf8', 0, line.length - 1)
}

t.test('a head line gives back what it was made of, and says how many bytes follow', async (t) => {
  t.strictSame(readBatchHead(written(writeBatchHead(head))), { head, size: 7 })
  const digest = 'b'.repeat(64)
  t.equal(readPayloadHead(written(writePayloadHead({ digest, offset: 3, size: 10 }))).size, 7, 'those from the offset')
  t.equal(readPayloadHead(written(writePayloadHead({ digest, offset: 0, size: null }))).size, 0, 'none: it is lost')
})

t.test('a head that is none is refused, by name', async (t) => {
  const read = (line: unknown) => () => readBatchHead(typeof line === 'string' ? line : JSON.stringify(line))
  t.throws(read('not JSON'), refused(/not JSON/))
  t.throws(read('null'), refused(/Expected object/))
  t.throws(read({ ...head, v: 2 }), refused(/\/v /))
  t.throws(read({ ...head, extra: 1 }), refused(/\/extra /), 'house rule 9: no silent removal')
  t.throws(read({ ...head, manifest: 'two.parts' }), refused(/\/manifest /))
  t.throws(read({ ...head, path: Array.from({ length: 65 }, () => jws) }), refused(/\/path /))
  t.throws(read({ ...head, size: maxPayloadBytes + 1 }), refused(/\/size /), 'house rule 14')
  t.throws(read({ ...head, size: -1 }), refused(/\/size /))
  t.throws(() => readPayloadHead('['), refused(/not JSON/))
  t.throws(() => readPayloadHead('{"digest":"../x","offset":0,"size":1}'), refused(/\/digest /))
  t.throws(() => readPayloadHead(JSON.stringify({ digest: 'b'.repeat(64), offset: 0 })), refused(/\/size /))
})
