import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import t from 'tap'
import { atTerminal } from '../../server/actor.ts'
import { revokeDevice } from '../../server/revoke-device.ts'
import type { Identity } from '../../shared/crypto/identity.ts'
import { tlsMaterial } from '../../shared/crypto/mutual-tls.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { changeLine, credentialsOf, custodyBy } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const thief = await study.enrol('field', 'lap-02')
const thabo = await study.enrol('relay', 'thabo')
const naledi = await study.enrol('relay', 'naledi')
const central = await study.enrol('central', 'central')
const server = await TestServer.start(t, study.server)
const [direct, byThabo] = [server.as(lap), server.as(thabo)]
await direct.meet()
await byThabo.meet()

/** What a connection is told, byte for byte, until it ends. */
async function told(text: string, identity?: Identity): Promise<string> {
  const own = identity ? tlsMaterial(identity) : { minVersion: 'TLSv1.3' as const }
  const socket = connect({ ...own, host: '127.0.0.1', port: server.port, rejectUnauthorized: false })
  let answer = ''
  socket.on('data', (data) => {
    answer += data
    if (/^(100|\d+)?.*\r\n\r\n\{.*\}$/s.test(answer)) socket.end()
  })
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return answer
}

function request(method: string, path: string, more: string[] = [], body = ''): string {
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: x',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  return `${[...head, ...more].join('\r\n')}\r\n\r\n${body}`
}

t.test('invariant 7: nothing but the enrolment door answers a stranger', async (t) => {
  for (const path of [paths.meeting, paths.offers, paths.batches, '/', '/v1', '/v1/enrolment/', '/v1/enrolment?x=1'])
    for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT'])
      t.equal(await told(request(method, path)), '', `${method} ${path}`)
  t.equal(await told(request('GET', paths.enrolment)), '', 'no other method there')
  t.equal(await told(request('POST', `https://x${paths.enrolment}`)), '', 'no other spelling')
  t.equal(await told('hello\r\n\r\n'), '', 'no HTTP')
  t.equal(await told('GET / HTTP/1.1\r\n\r\n'), '', 'no host')
  t.equal(await told(request('POST', paths.meeting, ['Expect: 100-continue'], '{}')), '', 'asking whether to go on')
  t.equal(await told(request('POST', paths.meeting, ['Expect: something'], '{}')), '', 'expecting something')
  t.equal(await told(request('GET', '/', ['Connection: Upgrade', 'Upgrade: websocket'])), '', 'upgrading')
  t.equal(await told('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'), '', 'tunnelling')
  t.match(await told(request('POST', paths.enrolment, [], '{}')), /^HTTP\/1.1 400 .*BAD_REQUEST/s)
})

t.test('invariant 7: a device of another study is a stranger', async (t) => {
  const foreign = await foundTestStudy()
  t.teardown(() => foreign.dispose())
  const laptop = await foreign.enrol('field', 'lap-01')
  t.equal(await told(request('POST', paths.meeting, [], '{}'), laptop.identity), '')
  const disguised = { ...laptop.identity, issuerCertificate: study.server.identity.issuerCertificate }
  t.equal(await told(request('POST', paths.meeting, [], '{}'), disguised), '', 'under our issuer in name only')
  t.match(await told(request('POST', paths.meeting, [], '{}'), lap.identity), /^HTTP\/1.1 400/, 'ours is answered')
})

t.test('invariant 7: a stranger who resumes a TLS session is still one', async (t) => {
  const foreign = await foundTestStudy()
  t.teardown(() => foreign.dispose())
  const { identity } = await foreign.enrol('field', 'lap-01')
  for (const own of [undefined, identity, lap.identity]) {
    const options = { ...(own && tlsMaterial(own)), host: '127.0.0.1', port: server.port, rejectUnauthorized: false }
    const first = connect(options)
    first.on('error', () => undefined)
    const [session] = (await once(first, 'session')) as [Buffer]
    first.destroy()
    const second = connect({ ...options, session })
    second.on('error', () => undefined)
    let answer = ''
    second.on('data', (data) => {
      answer += data
      second.end()
    })
    await once(second, 'secureConnect')
    t.ok(second.isSessionReused(), 'it is resumed')
    second.write(request('POST', paths.meeting, [], '{}'))
    await once(second, 'close')
    if (own === lap.identity) t.match(answer, /^HTTP\/1.1 400 /, 'the enrolled is known again')
    else t.equal(answer, '', 'nothing is answered')
  }
})

t.test('invariant 7: only field laptops and relays are admitted', async (t) => {
  await refused(t, server.as(central).meet(), 'ROLE_REFUSED', 'a central server')
  await refused(t, server.as(study.server).meet(), 'ROLE_REFUSED', 'this server itself')
  for (const path of ['/', '/v1/lines', '/v1/manifests', '/v1/custody', '/v1/knock', '/api/status', '/metrics'])
    await refused(t, direct.client.json('GET', path, undefined, Meeting, 1000), 'NOT_FOUND', path)
})

t.test('bodies and documents are limited, and a bad document spoils no meeting', async (t) => {
  const own = { credentials: credentialsOf(lap) }
  await refused(t, direct.meet({ ...own, more: 1 } as object), 'BAD_REQUEST', 'an unknown field')
  await refused(t, direct.meet({ ...own, at: 5 } as object), 'BAD_REQUEST', 'a number for a time is not taken as text')
  await refused(t, direct.meet({ studyDocument: 'x'.repeat(17 * 1024 * 1024) }), 'TOO_LARGE', 'seventeen megabytes')
  const started = performance.now()
  const junk = 'eyJh.eyJh.AAAA'
  const answer = await direct.meet({
    ...own,
    studyDocument: junk,
    deliveries: Array(4096).fill(junk),
    gaps: Array(4096).fill(junk),
  })
  t.equal(answer.v, 1, 'it is answered')
  t.ok(performance.now() - started < 5_000, 'thousands of bad documents do not hold the server up')
  t.match((await server.status()).lastError, { code: 'BAD_DOCUMENT', about: lap.device })
})

t.test('strangers who hold connections open neither keep the enrolled out nor the program from ending', async (t) => {
  const held: Socket[] = []
  t.teardown(() => {
    for (const socket of held) socket.destroy()
  })
  for (let count = 0; count < 300; count += 1) {
    const socket = connectTcp(server.port, '127.0.0.1').on('error', () => undefined)
    held.push(socket)
    await once(socket, 'connect')
  }
  await until('the oldest are dropped', () => held.filter(({ destroyed }) => !destroyed).length <= 128)
  t.ok(await server.as(lap).meet())
  const waiting = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false }) as TLSSocket
  waiting.on('error', () => undefined)
  await once(waiting, 'secureConnect')
  const started = performance.now()
  await server.stop()
  t.ok(performance.now() - started < 5_000, 'it ends')
  await server.start()
})

t.test('invariant 7: a revoked laptop', async (t) => {
  const laptop = await server.laptop(thief)
  const batches = await laptop.batches(5)
  const [one, two, three, four, five] = batches
  if (!one || !two || !three || !four || !five) return t.fail('five batches')
  const stolen = server.as(thief)
  await stolen.push(one)
  await stolen.push(three)
  await stolen.meet({ head: { chain: laptop.chain, seq: 9_000_000, unsealed: 0 } })
  const boast = await custodyBy(thabo, one, { head: { chain: laptop.chain, seq: 9_000_000, unsealed: 0 } })
  await server.as(thabo).offer([{ digest: one.digest, receipt: boast.jws }])
  await server.settled()
  const revocation = await server.opened((opened) =>
    revokeDevice({ ...opened, clock: systemClock }, atTerminal(), 'lap-02', 'stolen'),
  )
  t.same(
    revocation.chains,
    [{ chain: laptop.chain, throughSeq: 3, digest: three.digest }],
    'as far as this server signed',
  )
  await server.as(lap).untilStudy((await server.status()).studyVersion)

  await refused(t, stolen.meet(), 'REVOKED', 'on a connection that is open')
  await refused(t, server.as(thief).meet(), 'REVOKED', 'on a new one')
  await refused(t, stolen.push(two), 'REVOKED', 'with a batch')
  const by = server.as(thabo)
  await by.meet()
  const bring = async (batch: typeof one) => by.push(batch, [(await custodyBy(thabo, batch)).jws])
  for (const batch of [five, four, two]) t.ok(await bring(batch), 'invariant 1: a courier may bring all of it')
  const beginning = await server.laptop(thief)
  const fresh = await beginning.batch([changeLine({ id: 'fresh' })])
  await bring(fresh)
  await server.settled()
  const states = (list: Array<typeof one>) =>
    list.map(({ digest }) => server.sql('SELECT state, code FROM batches WHERE manifest_digest = ?', digest)[0])
  const held = { state: 'held', code: 'REVOKED' }
  t.match(states([two]), [{ state: 'opened' }], 'below what was witnessed it flows')
  t.same(states([four, five, fresh]), [held, held, held], 'what lies above waits for a person')
  t.match(
    readDocument(
      (await by.meet()).deliveries.find(
        (jws) => jws && readDocument(jws, 'delivery').document.chain === laptop.chain,
      ) ?? '',
      'delivery',
    ).document,
    { through: 3, above: [] },
  )
  await refused(
    t,
    server.opened((opened) => revokeDevice({ ...opened, clock: systemClock }, atTerminal(), 'lap-02', 'again')),
    'NOT_FOUND',
    'twice',
  )
})

t.test('a revocation reaches what is here and not opened yet', async (t) => {
  const device = await study.enrol('field', 'lap-03')
  const laptop = await server.laptop(device)
  const visitor = server.as(device)
  const batches = await laptop.batches(2)
  for (const batch of batches) await visitor.push(batch)
  await server.settled()
  const version = (await server.status()).studyVersion
  await study.publish(({ revocations }) => ({
    revocations: [
      ...revocations,
      { device: device.device, chains: [{ chain: laptop.chain, throughSeq: 1, digest: null }], reason: 'lost' },
    ],
  }))
  await server.as(lap).untilStudy(version + 1)
  // As if the second one had come and not been opened before the revocation came.
  server.sql("UPDATE batches SET state = 'ingested' WHERE chain = ? AND seq = 2", laptop.chain)
  server.sql(
    'DELETE FROM changes WHERE batch = (SELECT ordinal FROM batches WHERE manifest_digest = ?)',
    batches[1]?.digest,
  )
  server.sql("UPDATE counts SET value = value - 1 WHERE name IN ('opened', 'settled', 'applied')")
  server.sql(
    'UPDATE chains SET through = 1, through_digest = ?, delivery = NULL, dirty = 1 WHERE chain = ?',
    batches[0]?.digest,
    laptop.chain,
  )
  await server.as(lap).push(await (await server.laptop(lap)).batch([]))
  const { counts } = await server.settled()
  t.equal(counts.ingested.batches, 0)
  t.same(server.sql('SELECT state FROM batches WHERE chain = ? ORDER BY seq', laptop.chain), [
    { state: 'opened' },
    { state: 'held' },
  ])
})

t.test('invariant 7: a revoked relay, and a credential of an older epoch', async (t) => {
  const version = (await server.status()).studyVersion
  await study.publish(({ revocations }) => ({
    revocations: [...revocations, { device: naledi.device, chains: [], reason: 'left the study' }],
  }))
  await server.as(lap).untilStudy(version + 1)
  await refused(t, server.as(naledi).meet(), 'REVOKED', 'a relay')
  const batch = await (await server.laptop(lap)).batch([changeLine({ id: 'by-epoch' })])
  await study.publish(() => ({ minimumEpoch: { field: 1 } }))
  await server.as(thabo).untilStudy(version + 2)
  await refused(t, server.as(lap).meet(), 'REVOKED', 'an older epoch than its role needs')
  t.ok(await server.as(thabo).push(batch, [(await custodyBy(thabo, batch)).jws]), 'invariant 1: carried and held')
  await server.settled()
  t.same(server.sql('SELECT state, code FROM batches WHERE manifest_digest = ?', batch.digest), [
    { state: 'held', code: 'REVOKED' },
  ])
  t.ok(await server.verify())
})
