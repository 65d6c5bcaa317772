import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createLogger } from '../../shared/service/logger.ts'
import { sendLines } from '../../shared/web/send-lines.ts'
import { strictFastify } from '../../shared/web/strict-fastify.ts'
import { until } from '../fixtures/until.ts'

const entry = { fields: { note: 'x'.repeat(100_000) } }

/** A door that serves endless lines, and how far it has read. */
async function endless(t: Test) {
  const state = { read: 0, ended: false, may: true }
  const door = strictFastify(createLogger('test', 'silent'))
  t.teardown(() => door.close())
  async function* entries() {
    try {
      for (; ; state.read += 1) yield entry
    } finally {
      state.ended = true
    }
  }
  const stillMay = () => {
    if (!state.may) throw new Error('not any more')
  }
  door.get('/', (_request, reply) => sendLines(reply, entries(), stillMay))
  await door.listen({ port: 0, host: '127.0.0.1' })
  const { port } = door.server.address() as AddressInfo
  const [answer] = (await once(get({ host: '127.0.0.1', port }), 'response')) as [IncomingMessage]
  answer.on('error', () => undefined)
  return { state, answer }
}

/** Waits until no more is read. */
async function stalled(state: { read: number }): Promise<number> {
  for (let before = -1; before !== state.read; await pause(300)) before = state.read
  return state.read
}

t.test('a slow reader: no more is read than the sockets hold, and it goes on when it takes', async (t) => {
  const { state, answer } = await endless(t)
  const read = await stalled(state)
  t.ok(read < 200, `${read} entries of 100 kB`)
  answer.resume()
  await until('it goes on', () => state.read > read + 500)
  answer.destroy()
  await until('whoever goes away ends the reading', () => state.ended)
})

t.test('who may not read on any more is cut off in the middle', async (t) => {
  const { state, answer } = await endless(t)
  state.may = false
  answer.resume()
  await new Promise((resolve) => answer.once('close', resolve))
  t.equal(answer.complete, false, 'this is no end')
  await until('the reading ended', () => state.ended)
})
