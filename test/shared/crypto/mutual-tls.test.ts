import 'reflect-metadata'
import { once } from 'node:events'
import { createServer as createProxy, type Server as NetServer, connect as reach } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { type Extension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { authoritySubject, certifyAuthority, certifyDevice, issuerSubject } from '../../../shared/crypto/certificate.ts'
import type { Identity } from '../../../shared/crypto/identity.ts'
import { newSigningKey, privateKey, publicKey, publicKeyOf } from '../../../shared/crypto/keys.ts'
import { type Admit, onlyRoles, tlsMaterial } from '../../../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../../../shared/crypto/standing.ts'
import type { Role } from '../../../shared/protocol/role.ts'
import { createLogger } from '../../../shared/service/logger.ts'
import { openPort } from '../../../shared/transfer/open-port.ts'
import { PeerClient } from '../../../shared/transfer/peer-client.ts'
import { createPeerDoor } from '../../../shared/transfer/peer-door.ts'
import { foundTestStudy } from '../../fixtures/study.ts'

const study = await foundTestStudy()
const other = await foundTestStudy()
t.teardown(() => [study, other].map(({ dispose }) => dispose()))
const field = await study.enrol('field', 'lap')
const relay = await study.enrol('relay', 'driver')
const foreign = await other.enrol('relay', 'driver')
const { issuer } = study
const silent = createLogger('test', 'silent')
const Answer = Type.Object({ role: Type.String() })
const anyone: Admit = () => undefined

interface Door {
  port: number
  /** Who got as far as the handler. */
  asked: string[]
  /** Of each connection, whether it resumed a TLS session. */
  resumed: boolean[]
}

async function openDoor(identity: Identity, admit: Admit, closes = false): Promise<Door> {
  const door = createPeerDoor(identity, admit, silent)
  const asked: string[] = []
  door.get('/who', async (request, reply) => {
    asked.push(request.peer.device)
    if (closes) reply.header('connection', 'close')
    return { role: request.peer.role }
  })
  const resumed: boolean[] = []
  door.server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()))
  t.teardown(() => door.close())
  return { port: await openPort(door, 0, '127.0.0.1'), asked, resumed }
}

function clientOf(identity: Identity, port: number, admit: Admit = anyone): PeerClient {
  const client = new PeerClient({ identity, host: '127.0.0.1', port, admit })
  t.teardown(() => client.close())
  return client
}

/** The code of what comes of one request, or the role that the door saw. */
function ask(client: PeerClient): Promise<string> {
  return client.json('GET', '/who', undefined, Answer, 1000).then(
    ({ role }) => role,
    ({ code }) => code,
  )
}

/** As PROTOCOL.md spells it. */
function uriOf({ study, role, device, epoch }: { study: string; role: string; device: string; epoch: number }): string {
  return `waybill:${study}:${role}:${device}:${epoch}`
}

interface Signer {
  subject: string
  privateKey: string
}

/** A certificate with any dates, as an attacker would make it. */
async function certifyDated(subject: string, key: string, signer: Signer, until: string, extensions: Extension[] = []) {
  const algorithm = { name: 'Ed25519' }
  const certificate = await X509CertificateGenerator.create({
    ...{ serialNumber: '0123456789', subject, issuer: signer.subject, signingAlgorithm: algorithm, extensions },
    ...{ notBefore: new Date('2000-01-01'), notAfter: new Date(until) },
    publicKey: publicKey(key).toCryptoKey(algorithm, true, ['verify']),
    signingKey: privateKey(signer.privateKey).toCryptoKey(algorithm, false, ['sign']),
  })
  return `${certificate.toString('pem')}\n`
}

/** A device of an authority that bears our study's names, with keys of its own; its certificates end when it is told. */
async function rogue(role: Role, until?: string): Promise<Identity> {
  const [root, tls] = [newSigningKey(), newSigningKey()]
  const subject = authoritySubject(study.study)
  const signer = { subject, privateKey: root }
  const peer = { study: study.study, role, device: relay.device, epoch: 0 }
  const names = [new SubjectAlternativeNameExtension([{ type: 'url', value: uriOf(peer) }])]
  const authority =
    until === undefined
      ? await certifyAuthority(subject, publicKeyOf(root), signer, 1)
      : await certifyDated(subject, publicKeyOf(root), signer, until)
  const certificate =
    until === undefined
      ? await certifyDevice(peer, publicKeyOf(tls), signer)
      : await certifyDated(`CN=${peer.device}`, publicKeyOf(tls), signer, until, names)
  const { secrets } = relay.identity
  // It knows our real authority's certificate, which every handshake shows.
  return { ...relay.identity, certificate, issuerCertificate: authority, secrets: { ...secrets, tls } }
}

/** A certificate for our study that a field laptop signed with its own TLS key. */
async function signedByDevice(): Promise<Identity> {
  const tls = newSigningKey()
  const signer = { subject: `CN=${field.device}`, privateKey: field.identity.secrets.tls }
  const peer = { study: study.study, role: 'server', device: relay.device, epoch: 0 } as const
  const certificate = await certifyDevice(peer, publicKeyOf(tls), signer)
  const chain = field.identity.certificate + field.identity.issuerCertificate
  return { ...relay.identity, certificate, issuerCertificate: chain, secrets: { ...relay.identity.secrets, tls } }
}

/** An issuer under an issuer: the authority allowed none. */
async function signedBySubIssuer(): Promise<Identity> {
  const [sub, tls] = [newSigningKey(), newSigningKey()]
  const above = { subject: issuerSubject(issuer.device), privateKey: issuer.privateKey }
  const middle = await certifyAuthority(issuerSubject('sub'), publicKeyOf(sub), above, 0)
  const peer = { study: study.study, role: 'relay', device: relay.device, epoch: 0 } as const
  const certificate = await certifyDevice(peer, publicKeyOf(tls), { subject: issuerSubject('sub'), privateKey: sub })
  const chain = middle + relay.identity.issuerCertificate
  return { ...relay.identity, certificate, issuerCertificate: chain, secrets: { ...relay.identity.secrets, tls } }
}

/** Ours, issued for another study's name. */
async function namedForeign(): Promise<Identity> {
  const above = { subject: issuerSubject(issuer.device), privateKey: issuer.privateKey }
  const peer = { study: other.study, role: 'relay', device: relay.device, epoch: 0 } as const
  const certificate = await certifyDevice(peer, publicKeyOf(relay.identity.secrets.tls), above)
  return { ...relay.identity, certificate }
}

const impostors: Record<string, Identity> = {
  'an expired rogue authority of the same name': await rogue('relay', '2001-01-01'),
  'an expired rogue server': await rogue('server', '2001-01-01'),
  'a rogue authority of the same name': await rogue('relay'),
  'a rogue server of the same name': await rogue('server'),
  'a device of another study': { ...foreign.identity, authorityCertificate: relay.identity.authorityCertificate },
  'a certificate signed by a device': await signedByDevice(),
  'a certificate signed by an issuer under an issuer': await signedBySubIssuer(),
  'a certificate of another study, under our issuer': await namedForeign(),
}

/** TLS ends the connection; what names another study is told so. */
function isRefusal(code: string): boolean {
  return ['PEER_UNREACHABLE', 'CREDENTIAL_REFUSED', 'STUDY_MISMATCH'].includes(code)
}

t.test('invariant 7: the enrolled are let in, and know each other', async (t) => {
  const door = await openDoor(field.identity, onlyRoles('relay'))
  const client = clientOf(relay.identity, door.port, onlyRoles('field'))
  t.equal(client.peer, undefined, 'nobody, before the first connection')
  t.equal(await ask(client), 'relay')
  t.strictSame(door.asked, [relay.device])
  t.match(client.peer, { study: study.study, role: 'field', device: field.device, epoch: 0 })
})

t.test('invariant 7: no impostor is served', async (t) => {
  const door = await openDoor(field.identity, anyone)
  for (const [what, identity] of Object.entries(impostors))
    t.ok(isRefusal(await ask(clientOf(identity, door.port))), what)
  const { secrets, certificate } = foreign.identity
  for (const material of [{}, { key: secrets.tls, cert: certificate }]) {
    const socket = connect({ port: door.port, host: '127.0.0.1', rejectUnauthorized: false, ...material })
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.on('error', () => undefined)
    socket.write('GET /who HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => socket.once('close', resolve))
    t.equal(heard, '', `a stranger with ${Object.keys(material).length === 0 ? 'no' : 'a foreign'} certificate`)
  }
  t.strictSame(door.asked, [], 'nobody reached the handler')
})

t.test('invariant 7: no impostor is asked anything', async (t) => {
  for (const [what, identity] of Object.entries(impostors)) {
    let told = 0
    const server = createServer({ ...tlsMaterial(identity), requestCert: false }, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', ({ length }: Buffer) => {
        told += length
      })
    })
    server.on('tlsClientError', () => undefined)
    const code = await ask(clientOf(relay.identity, portOf(await listening(server))))
    t.ok(isRefusal(code), `${what}: ${code}`)
    t.equal(told, 0, 'not a byte was sent to it')
    server.close()
  }
})

t.test('invariant 7: a wrong role is refused, by the door and by who knocks', async (t) => {
  const door = await openDoor(field.identity, onlyRoles('server', 'central'))
  t.equal(await ask(clientOf(relay.identity, door.port)), 'ROLE_REFUSED')
  t.strictSame(door.asked, [])
  const open = await openDoor(field.identity, anyone)
  t.equal(await ask(clientOf(relay.identity, open.port, onlyRoles('server'))), 'ROLE_REFUSED')
  t.strictSame(open.asked, [], 'it was not even asked')
})

/** A study document that revokes a device from some moment on. */
function revocable(device: string) {
  const state = { isRevoked: false }
  const admit: Admit = (peer) => {
    const revocations = state.isRevoked ? [{ device, chains: [], reason: 'stolen' }] : []
    checkStanding({ revocations, minimumEpoch: {} } as unknown as Parameters<typeof checkStanding>[0], peer)
  }
  return { state, admit }
}

t.test('invariant 7: a revoked caller is refused at its next request, on a connection that stands', async (t) => {
  const { state, admit } = revocable(relay.device)
  const door = await openDoor(field.identity, admit)
  const client = clientOf(relay.identity, door.port)
  t.equal(await ask(client), 'relay')
  state.isRevoked = true
  t.equal(await ask(client), 'REVOKED')
  t.equal(await ask(clientOf(relay.identity, door.port)), 'REVOKED', 'and on a new one')
  t.equal(door.asked.length, 1)
})

t.test('invariant 7: a revoked peer is asked nothing more, though its TLS session could be resumed', async (t) => {
  const { state, admit } = revocable(field.device)
  const door = await openDoor(field.identity, anyone, true)
  const client = clientOf(relay.identity, door.port, admit)
  t.strictSame([await ask(client), await ask(client)], ['relay', 'relay'], 'a connection for each request')
  t.equal(await ask(clientOf(relay.identity, door.port, admit)), 'relay', 'and one of another visit')
  t.strictSame(door.resumed, [false, true, true])
  state.isRevoked = true
  t.strictSame([await ask(client), await ask(client)], ['REVOKED', 'REVOKED'])
  t.equal(door.asked.length, 3)
})

t.test('invariant 7: a session that a revoked caller resumes lets it in nowhere', async (t) => {
  const { state, admit } = revocable(relay.device)
  const door = await openDoor(field.identity, admit, true)
  t.equal(await ask(clientOf(relay.identity, door.port)), 'relay')
  state.isRevoked = true
  t.equal(await ask(clientOf(relay.identity, door.port)), 'REVOKED')
  t.strictSame([door.resumed, door.asked.length], [[false, true], 1])
})

t.test('at one address one device answers, or the connection is refused', async (t) => {
  const devices = [field, await study.enrol('field', 'lap-02')]
  const servers = await Promise.all(
    devices.map(({ identity }) => listening(createServer({ ...tlsMaterial(identity), requestCert: true }, answer))),
  )
  let turn = 0
  const proxy = await listening(
    createProxy((socket) => {
      const through = reach(portOf(servers[turn] as NetServer), '127.0.0.1')
      for (const end of [socket, through]) end.on('error', () => undefined)
      socket.pipe(through).pipe(socket)
    }),
  )
  t.teardown(() => [proxy, ...servers].map((server) => server.close()))
  const client = clientOf(relay.identity, portOf(proxy))
  t.equal(await ask(client), 'first')
  turn = 1
  t.equal(await ask(client), 'CREDENTIAL_REFUSED', 'the address was given to another laptop meanwhile')
})

async function listening<T extends NetServer>(server: T): Promise<T> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function portOf(server: NetServer): number {
  return (server.address() as { port: number }).port
}

function answer(socket: TLSSocket): void {
  socket.on('error', () => undefined)
  socket.once('data', () => {
    const body = '{"role":"first"}'
    socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  })
}

t.test('TLS 1.3 only', async (t) => {
  const door = await openDoor(field.identity, anyone)
  const { key, cert, ca } = tlsMaterial(relay.identity)
  const socket = connect({
    port: door.port,
    host: '127.0.0.1',
    key,
    cert,
    ca,
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
  })
  await t.rejects(once(socket, 'secureConnect'))
})
