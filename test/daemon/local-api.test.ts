import { type ClientRequest, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { openLoopbackApi, openSocketApi } from '../fixtures/daemon-doors.ts'
import { change, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const token = 'a-token-of-this-start'
const ndjson = { 'content-type': 'application/x-ndjson' }
const bearer = { authorization: `Bearer ${token}` }

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const port = await openLoopbackApi(t, laptop, token)
  return { laptop, port, at: { host: '127.0.0.1', port } }
}

interface Answer {
  status: number
  body: Record<string, unknown>
}

function answered(asking: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    asking.once('error', reject)
    asking.once('response', async (response) =>
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(await text(response)) }),
    )
  })
}

function ask(where: RequestOptions, headers: IncomingHttpHeaders, body?: string): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST'
  const path = body === undefined ? '/v1/status' : '/v1/changes'
  const asking = request({ method, path, ...where, headers })
  asking.end(body)
  return answered(asking)
}

function line(id: string): string {
  return `${JSON.stringify(change(id))}\n`
}

t.test('on loopback nothing is answered without the token, with another one, or under another name', async (t) => {
  const { laptop, port, at } = await begin(t)
  const refused: Array<[name: string, headers: IncomingHttpHeaders, status: number, code: string]> = [
    ['no token', {}, 401, 'NOT_SIGNED_IN'],
    ['another token', { authorization: 'Bearer another' }, 401, 'NOT_SIGNED_IN'],
    ['the token in another way', { authorization: `Basic ${token}` }, 401, 'NOT_SIGNED_IN'],
    ['no more than a part of it', { authorization: `Bearer ${token.slice(0, -1)}` }, 401, 'NOT_SIGNED_IN'],
    ['a name that was made to point here', { ...bearer, host: `evil.example:${port}` }, 403, 'NOT_LOCAL'],
    ['another port', { ...bearer, host: '127.0.0.1:1' }, 403, 'NOT_LOCAL'],
  ]
  for (const [name, headers, status, code] of refused) {
    t.match(await ask(at, headers), { status, body: { code } }, name)
    t.match(await ask(at, { ...ndjson, ...headers }, line('a')), { status, body: { code } }, name)
  }
  t.equal(laptop.count('outbox'), 0)
  t.match(await ask(at, bearer), { status: 200, body: { program: 'daemon', counts: { outbox: { changes: 0 } } } })
  t.match(await ask(at, { ...bearer, host: `localhost:${port}`, ...ndjson }, line('a')), {
    status: 200,
    body: { accepted: 1 },
  })
})

t.test('on the unix socket the file is the guard', async (t) => {
  const { laptop } = await begin(t)
  const socketPath = join(laptop.device.data, 'daemon.sock')
  await openSocketApi(t, laptop, socketPath)
  t.match(await ask({ socketPath }, ndjson, line('a') + line('b') + line('a')), {
    status: 200,
    body: { accepted: 2, known: 1, refused: [] },
  })
  t.match(await ask({ socketPath }, {}), { status: 200, body: { counts: { outbox: { changes: 2 } } } })
})

t.test('changes come as NDJSON, or as the array of a dump; refused lines are named', async (t) => {
  const { laptop, at } = await begin(t)
  const dump = JSON.stringify([
    { model: 'clinic.visit', pk: 7, fields: {} },
    { model: 'clinic.visit', fields: {} },
  ])
  t.match(await ask(at, { ...bearer, 'content-type': 'application/json' }, dump), {
    status: 200,
    body: { accepted: 1, refused: [{ line: 2, code: 'CHANGE_INVALID', message: /^\/pk/ }] },
  })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined]) {
    const headers = type === undefined ? bearer : { ...bearer, 'content-type': type }
    t.match(await ask(at, headers, line('a')), { status: 400, body: { code: 'BAD_REQUEST' } }, String(type))
  }
  t.match(await ask(at, { ...bearer, ...ndjson }, ''), { status: 200, body: { accepted: 0, known: 0, refused: [] } })
  t.equal(laptop.count('outbox'), 1)
})

t.test('invariant 1: a request that breaks off confirms nothing, and given again nothing is doubled', async (t) => {
  const { laptop, port } = await begin(t)
  const lines = Array.from({ length: 1_000 }, (_, index) => line(`c-${index}`)).join('')
  const socket = connect(port, '127.0.0.1')
  const said: Buffer[] = []
  socket.on('data', (data) => said.push(data)).on('error', () => undefined)
  socket.write(`POST /v1/changes HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n`)
  socket.write('Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n')
  socket.write(`${Buffer.byteLength(lines).toString(16)}\r\n${lines}`)
  await until('a part is on disk', () => laptop.count('outbox') >= 500)
  socket.destroy()
  t.same(said, [], 'nothing was confirmed')
  t.match(await ask({ host: '127.0.0.1', port }, { ...bearer, ...ndjson }, lines), {
    status: 200,
    body: { refused: [] },
  })
  t.equal(laptop.count('outbox'), 1_000)
})

t.test('invariant 10: the body is never held whole', async (t) => {
  const { at } = await begin(t)
  const asking = request({ ...at, method: 'POST', path: '/v1/changes', headers: { ...bearer, ...ndjson } })
  const answer = answered(asking)
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  const before = process.memoryUsage().rss
  for (let sent = 0; sent < 150; sent += 1)
    if (!asking.write(chunk)) await new Promise((resolve) => asking.once('drain', resolve))
  asking.end('\n')
  t.match(await answer, { status: 200, body: { refused: [{ line: 1, code: 'CHANGE_TOO_LARGE' }] } })
  t.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024, '150 MB were sent')
})
