import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createNet, connect as reach, type Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createServer as createTls } from 'node:tls'
import t from 'tap'
import { authoritySubject, certifyAuthority, certifyDevice } from '../../shared/crypto/certificate.ts'
import type { Identity } from '../../shared/crypto/identity.ts'
import { newSigningKey, publicKeyOf } from '../../shared/crypto/keys.ts'
import type { EnrolCode } from '../../shared/protocol/enrol-code.ts'
import type { EnrolmentAnswer } from '../../shared/protocol/enrolment.ts'
import { askServer } from '../../study/ask-server.ts'
import { makeDeviceSecrets, publicKeysOf } from '../../study/device-secrets.ts'
import { issueDevice } from '../../study/issuer.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
const other = await foundTestStudy()
t.teardown(() => [study, other].map(({ dispose }) => dispose()))
const { server, issuer } = study
const field = await study.enrol('field', 'lap')
const relay = await study.enrol('relay', 'driver')
const code: EnrolCode = { study: study.study, secret: 'AbCdEfGhIjKlMnOpQrStUv', addresses: [] }
const secrets = await makeDeviceSecrets(false)

/** What a server shows: its own certificate, the chain, and the authority's, which the device compares with its pin. */
function shown({ secrets, certificate, issuerCertificate, authorityCertificate }: Identity) {
  return { key: secrets.tls, cert: certificate + issuerCertificate + authorityCertificate }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as { port: number }).port}`
}

/** A server of that identity; `answer` says what it does with a request. */
function serve(identity: Identity, answer: (body: string, response: ServerResponse) => unknown): Promise<string> {
  const handle = async (request: IncomingMessage, response: ServerResponse) => answer(await text(request), response)
  return listen(createHttps({ ...shown(identity), minVersion: 'TLSv1.3' }, handle))
}

/** A server that only listens: how many bytes did anyone tell it, within TLS? */
async function eavesdrop(material: { key: string; cert: string }): Promise<{ address: string; heard: () => number }> {
  let bytes = 0
  const server = createTls({ ...material, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', ({ length }: Buffer) => {
      bytes += length
    })
  })
  server.on('tlsClientError', () => undefined)
  return { address: await listen(server), heard: () => bytes }
}

async function answerFor(keys: Awaited<ReturnType<typeof makeDeviceSecrets>>): Promise<EnrolmentAnswer> {
  const { secrets: _, ...own } = server.identity
  const issued = await issueDevice(issuer, 'field', await publicKeysOf(keys))
  const { credential, certificate } = issued
  return { ...own, credential, certificate, role: 'field', name: 'new', studyDocument: await study.publish(() => ({})) }
}

t.test('a server of the pinned study is told the secret, the keys and a proof, and its answer is taken', async (t) => {
  const answer = await answerFor(secrets)
  const bodies: string[] = []
  const address = await serve(server.identity, (body, response) =>
    response.end(bodies.push(body) && JSON.stringify(answer)),
  )
  t.strictSame(await askServer(address, code, secrets), answer)
  t.match(JSON.parse(bodies[0] ?? ''), { v: 1, secret: code.secret, keys: await publicKeysOf(secrets) })
  for (const own of [secrets.signing, secrets.tls, secrets.digestKey])
    t.notOk(bodies[0]?.includes(own.slice(-60, -30)), 'private keys never leave the device')
})

t.test('a lost answer: the same keys ask again with the same bytes, so that the server can know them', async (t) => {
  const answer = JSON.stringify(await answerFor(secrets))
  const bodies: string[] = []
  const address = await serve(server.identity, (body, response) => {
    if (bodies.push(body) === 1) response.socket?.destroy()
    else response.end(answer)
  })
  await t.rejects(askServer(address, code, secrets), { code: 'PEER_UNREACHABLE' })
  t.strictSame(await askServer(address, code, secrets), JSON.parse(answer))
  t.equal(bodies[0], bodies[1])
})

/** Our study's name and authority certificate, which anyone can see, over a rogue's own chain. */
async function impostor(): Promise<Identity> {
  const [root, tls] = [newSigningKey(), newSigningKey()]
  const signer = { subject: authoritySubject(study.study), privateKey: root }
  const rogueRoot = await certifyAuthority(signer.subject, publicKeyOf(root), signer, 1)
  const peer = { study: study.study, role: 'server', device: server.device, epoch: 0 } as const
  const certificate = await certifyDevice(peer, publicKeyOf(tls), signer)
  return { ...server.identity, certificate, issuerCertificate: rogueRoot, secrets: { ...server.identity.secrets, tls } }
}

/** Self-signed, with an RSA-PSS key, which has no JWK form. */
function makeForeignKey(): { key: string; cert: string } {
  const [key, cert] = ['rsa.key', 'rsa.crt'].map((name) => join(study.directory, name)) as [string, string]
  const request = [
    '-x509',
    '-newkey',
    'rsa-pss',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/CN=x',
    '-days',
    '2',
  ]
  execFileSync('openssl', ['req', ...request], { stdio: 'ignore' })
  const read = (path: string) => execFileSync('cat', [path]).toString()
  return { key: read(key), cert: read(cert) }
}

const rogue = await impostor()
const foreignKey = makeForeignKey()

t.test('pin: whoever is not a server of the pinned study hears nothing, not a byte', async (t) => {
  const { authorityCertificate } = server.identity
  const strangers: Record<string, { key: string; cert: string }> = {
    'a server of another study': shown(other.server.identity),
    "another study's server that shows our authority too": {
      ...shown(other.server.identity),
      cert: other.server.identity.certificate + other.server.identity.issuerCertificate + authorityCertificate,
    },
    'a rogue authority of the same name': shown({ ...rogue, authorityCertificate: rogue.issuerCertificate }),
    'the same, that shows our authority too': shown(rogue),
    'the same, that shows only our authority': { ...shown(rogue), cert: rogue.certificate + authorityCertificate },
    'a certificate of another kind of key': foreignKey,
    'a field laptop of the study': shown(field.identity),
    'a relay of the study': shown(relay.identity),
  }
  for (const [what, material] of Object.entries(strangers)) {
    const { address, heard } = await eavesdrop(material)
    const refusal = await askServer(address, code, secrets).catch((error) => error)
    t.match(refusal.code, /^(PIN_MISMATCH|PEER_UNREACHABLE|ROLE_REFUSED)$/, `${what}: ${refusal.code}`)
    t.equal(heard(), 0, 'nothing was told')
  }
  const { address } = await eavesdrop(shown(other.server.identity))
  await t.rejects(askServer(address, code, secrets), { code: 'PIN_MISMATCH' }, 'and the person is told why')
  const { address: kind } = await eavesdrop(foreignKey)
  await t.rejects(askServer(kind, code, secrets), { code: 'PIN_MISMATCH' })
})

t.test('pin: a middleman that lets the first connection through and takes the second hears nothing', async (t) => {
  const genuine = await serve(server.identity, (_body, response) => response.end('{}'))
  const { address: taker, heard } = await eavesdrop(shown(rogue))
  let connections = 0
  const proxy = createNet((socket) => {
    const [host, port] = (connections++ === 0 ? genuine : taker).split(':')
    const through = reach(Number(port), host)
    for (const end of [socket, through]) end.on('error', () => undefined)
    socket.pipe(through).pipe(socket)
  })
  await t.rejects(askServer(await listen(proxy), code, secrets), { code: 'PEER_UNREACHABLE' })
  t.equal(connections, 2)
  t.equal(heard(), 0)
})

t.test('an answer that is none, and a refusal', async (t) => {
  const answers: [string, number, string][] = [
    ['text', 200, 'BAD_DOCUMENT'],
    ['null', 200, 'BAD_DOCUMENT'],
    ['{}', 200, 'BAD_DOCUMENT'],
    ['{"code":"CODE_REFUSED","message":"no"}', 200, 'BAD_DOCUMENT'],
    ['{"code":"CODE_REFUSED","message":"no"}', 403, 'CODE_REFUSED'],
    ['{"code":"constructor","message":"no"}', 403, 'BAD_DOCUMENT'],
    ['null', 500, 'BAD_DOCUMENT'],
    ['', 502, 'BAD_DOCUMENT'],
  ]
  for (const [body, status, expected] of answers) {
    const address = await serve(server.identity, (_body, response) => response.writeHead(status).end(body))
    await t.rejects(askServer(address, code, secrets), { code: expected }, `${status} ${body}`)
  }
  const elsewhere = await serve(server.identity, (_body, response) =>
    response.writeHead(307, { location: 'https://x/' }).end(),
  )
  await t.rejects(askServer(elsewhere, code, secrets), { code: 'PEER_UNREACHABLE' }, 'nothing is followed elsewhere')
})

t.test('a server that never answers, and one that never ends', async (t) => {
  const silent = await serve(server.identity, () => undefined)
  const endless = await serve(server.identity, (_body, response) => {
    const piece = Buffer.alloc(1024 * 1024, 0x20)
    const pour = (): void => void (response.destroyed || response.write(piece, pour))
    pour()
  })
  await Promise.all(
    [silent, endless].map((address) => t.rejects(askServer(address, code, secrets), { code: 'PEER_UNREACHABLE' })),
  )
})

t.test('a place where no server is, and what is no place', async (t) => {
  const plain = await listen(createNet((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')))
  const shut = await listen(createNet((socket) => socket.destroy()))
  for (const address of [plain, shut, '127.0.0.1:1', '[::1]:1'])
    await t.rejects(askServer(address, code, secrets), { code: 'PEER_UNREACHABLE' }, address)
  for (const address of ['', 'host:99999', 'a b:1', 'host:1/path', 'host:1?x', 'host:1#x', 'user@host:1', ':1'])
    await t.rejects(askServer(address, code, secrets), { code: 'BAD_ARGUMENT' }, address)
})
