import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { batchesType } from '../../../shared/protocol/batch-frame.ts'
import { maxMeetingBytes } from '../../../shared/protocol/meeting.ts'
import { errorCodes, WaybillError } from '../../../shared/service/errors.ts'
import { createLogger } from '../../../shared/service/logger.ts'
import { openPort } from '../../../shared/transfer/open-port.ts'
import { PeerClient } from '../../../shared/transfer/peer-client.ts'
import { createPeerDoor } from '../../../shared/transfer/peer-door.ts'
import { foundTestStudy } from '../../fixtures/study.ts'

const study = await foundTestStudy()
const field = await study.enrol('field', 'lap')
const relay = await study.enrol('relay', 'driver')
const Answer = Type.Object({ n: Type.Integer() }, { additionalProperties: false })
let isAdmitted = true
const door = createPeerDoor(
  field.identity,
  () => {
    if (!isAdmitted) throw new Error('not today')
  },
  createLogger('test', 'silent'),
)
/** What the peer does with the next request. */
let answer: (reply: FastifyReply) => unknown = () => ({ n: 1 })
const received: number[] = []
door.get('/x', (_request, reply) => answer(reply))
door.post('/x', async ({ body }) => {
  received.push(body instanceof Readable ? (await buffer(body)).length : JSON.stringify(body).length)
  return { n: received.at(-1) }
})
door.post('/bytes', async ({ body }, reply) => reply.send(Readable.from([`asked for ${JSON.stringify(body)}`, '.'])))
const port = await openPort(door, 0, '127.0.0.1')
const client = new PeerClient({ identity: relay.identity, host: '127.0.0.1', port, admit: () => undefined })
t.teardown(async () => {
  await client.close()
  await door.close()
  study.dispose()
})
const get = (maxBytes = 100) => client.json('GET', '/x', undefined, Answer, maxBytes)

t.test('an answer of the right form and size is taken; any other is not, and the next request goes on', async (t) => {
  const bad: [(reply: FastifyReply) => unknown, string, string][] = [
    [() => 'text', 'BAD_DOCUMENT', 'not JSON'],
    [(reply) => reply.send(''), 'BAD_DOCUMENT', 'nothing'],
    [() => ({ n: '1' }), 'BAD_DOCUMENT', 'a field of another kind'],
    [() => ({}), 'BAD_DOCUMENT', 'a field that is missing'],
    [() => ({ n: 1, more: 2 }), 'BAD_DOCUMENT', 'a field more: house rule 9'],
    [() => ({ n: 1, more: 'x'.repeat(100) }), 'TOO_LARGE', 'more than allowed'],
    [(reply) => reply.send(Readable.from(endless())), 'TOO_LARGE', 'without an end'],
    [(reply) => reply.redirect(`https://127.0.0.1:${port}/bytes`), 'PEER_UNREACHABLE', 'elsewhere'],
    [(reply) => reply.hijack().raw.destroy(), 'PEER_UNREACHABLE', 'a connection that breaks'],
    [(reply) => breakOff(reply), 'PEER_UNREACHABLE', 'a connection that breaks in the answer'],
  ]
  for (const [bend, code, what] of bad) {
    answer = bend
    await t.rejects(get(), { code }, what)
    answer = () => ({ n: 1 })
    t.strictSame(await get(), { n: 1 }, 'and then')
  }
})

function* endless() {
  for (;;) yield 'x'.repeat(1000)
}

function breakOff(reply: FastifyReply): unknown {
  reply.hijack()
  reply.raw.writeHead(200, { 'content-length': '7' })
  return reply.raw.write('{"n"', () => reply.raw.destroy())
}

t.test('what the other side says it refused has its code, if it is one of ours', async (t) => {
  for (const code of Object.keys(errorCodes)) {
    answer = (reply) => reply.status(409).send({ code, message: 'm'.repeat(600), hint: 'do as I say' })
    const { hint } = errorCodes[code as keyof typeof errorCodes]
    const told = { code, message: `the other side says: ${'m'.repeat(500)}`, hint }
    const error = await get().catch((thrown) => thrown)
    t.strictSame({ code: error.code, message: error.message, hint: error.hint }, told, 'with our own hint')
  }
  const others = ['constructor', 'toString', '__proto__', 'NO_SUCH', 7, null].map((code) => ({ code, message: 'x' }))
  for (const body of [...others, null, [], 'text', 'x'.repeat(70_000)]) {
    answer = (reply) => reply.status(500).type('application/json').send(JSON.stringify(body))
    await t.rejects(
      get(),
      { code: 'PEER_UNREACHABLE', message: 'the other side answered 500' },
      JSON.stringify(body).slice(0, 40),
    )
  }
})

t.test('a list is read line by line, and a bad line is not taken for a good one', async (t) => {
  const lines = (maxBytes: number) => client.lines('/x', Answer, maxBytes)
  answer = (reply) => reply.send('{"n":1}\n\n{"n":2}\n')
  t.strictSame(await lines(100), [{ n: 1 }, { n: 2 }])
  answer = (reply) => reply.send('')
  t.strictSame(await lines(100), [])
  answer = (reply) => reply.send('{"n":1}\n{"n":')
  await t.rejects(lines(100), { code: 'BAD_DOCUMENT' })
  await t.rejects(lines(5), { code: 'TOO_LARGE' })
})

t.test('bytes are answered and sent as they are made', async (t) => {
  const bytes = await client.stream('/bytes', { from: 11 })
  t.equal((await buffer(Readable.from(bytes))).toString(), 'asked for {"from":11}.')
  async function* made() {
    yield Buffer.from('some')
    await new Promise(setImmediate)
    yield Buffer.from('more')
  }
  t.strictSame(await client.send('/x', batchesType, made(), Answer, 100), { n: 8 })
  await t.rejects(client.send('/x', batchesType, broken(), Answer, 100), { message: 'this disk is gone' })
})

async function* broken() {
  yield Buffer.from('some')
  throw new WaybillError('STORAGE_FAILED', 'this disk is gone')
}

t.test(
  'who asks again when the answer is here needs no other connection, and who asks before that has one',
  async (t) => {
    answer = () => ({ n: 1 })
    let connections = 0
    const count = () => {
      connections += 1
    }
    door.server.on('secureConnection', count)
    const asking = new PeerClient({
      identity: relay.identity,
      host: '127.0.0.1',
      port,
      admit: () => undefined,
      connections: 2,
    })
    t.teardown(async () => {
      door.server.off('secureConnection', count)
      await asking.close()
    })
    for (const _ of [1, 2, 3]) await asking.json('GET', '/x', undefined, Answer, 100)
    await buffer(Readable.from(await asking.stream('/bytes', {})))
    await asking.json('GET', '/x', undefined, Answer, 100)
    t.equal(connections, 1)
    const hanging = new Promise<void>((resolve) => {
      answer = () => {
        answer = () => ({ n: 1 })
        return asking.json('GET', '/x', undefined, Answer, 100).then((inner) => {
          resolve()
          return inner
        })
      }
    })
    await Promise.all([asking.json('GET', '/x', undefined, Answer, 100), hanging])
    t.equal(connections, 2)
  },
)

t.test('what is said can wait until it is known who listens', async (t) => {
  const { identity } = relay
  const stranger = new PeerClient({ identity, host: '127.0.0.1', port, admit: () => undefined })
  t.teardown(() => stranger.close())
  t.equal(stranger.peer, undefined)
  const said: (string | undefined)[] = []
  const say = () => said.push(stranger.peer?.device)
  await stranger.json('POST', '/x', say, Answer, 100)
  t.strictSame(said, [field.device])
})

t.test('house rule 14: a body over its limit is refused, and so is one of who is not admitted', async (t) => {
  received.length = 0
  const json = (characters: number) => client.json('POST', '/x', 'x'.repeat(characters), Answer, 100)
  t.strictSame(await json(maxMeetingBytes - 2), { n: maxMeetingBytes })
  await t.rejects(json(maxMeetingBytes - 1), { code: 'TOO_LARGE' })
  isAdmitted = false
  await t.rejects(json(maxMeetingBytes), { code: 'UNEXPECTED' }, 'before its body is read')
  isAdmitted = true
  t.strictSame(received, [maxMeetingBytes], 'the others reached nobody')
})

t.test('a door that does not exist, and a place where nobody is', async (t) => {
  await t.rejects(client.json('GET', '/y', undefined, Answer, 100), { code: 'NOT_FOUND' })
  for (const host of ['127.0.0.1', '::1']) {
    const nobody = new PeerClient({ identity: relay.identity, host, port: 1, admit: () => undefined })
    await t.rejects(nobody.json('GET', '/x', undefined, Answer, 100), { code: 'PEER_UNREACHABLE' }, host)
    await nobody.close()
  }
})

t.test('invariant 9: who answers under another authority was reached, and is not believed', async (t) => {
  const other = await foundTestStudy()
  t.teardown(() => other.dispose())
  const { identity } = await other.enrol('relay', 'stranger')
  const stranger = new PeerClient({ identity, host: '127.0.0.1', port, admit: () => undefined })
  t.teardown(() => stranger.close())
  await t.rejects(stranger.json('GET', '/x', undefined, Answer, 100), { code: 'CREDENTIAL_REFUSED' })
})
