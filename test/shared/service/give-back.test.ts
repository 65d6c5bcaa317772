import t from 'tap'
import { giveBack } from '../../../shared/service/give-back.ts'

t.test('what is large is given back with all that shares it', (t) => {
  const bytes = Buffer.alloc(100_000, 'x')
  const line = bytes.subarray(10, 20)
  giveBack(bytes)
  t.equal(bytes.length, 0)
  t.equal(line.length, 0)
  t.end()
})

t.test('small bytes share their memory with others, and are left alone', (t) => {
  const [one, other] = [Buffer.from('one'), Buffer.from('other')]
  t.equal(one.buffer, other.buffer)
  giveBack(one)
  t.equal(String(other), 'other')
  t.equal(String(one), 'one')
  t.end()
})

t.test('memory that threads share stays', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000))
  giveBack(shared)
  t.equal(shared.length, 100_000)
  t.end()
})
