import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { authoritySubject, certifyAuthority, certifyDevice, issuerSubject } from '../../shared/crypto/certificate.ts'
import {
  type DeviceSecrets,
  deviceOf,
  hasIdentity,
  readIdentity,
  readPendingSecrets,
  signerOf,
  writePendingSecrets,
} from '../../shared/crypto/identity.ts'
import { deviceIdOf, newSigningKey, publicKeyOf } from '../../shared/crypto/keys.ts'
import { documentDigest, signDocument } from '../../shared/crypto/sign-document.ts'
import type { EnrolmentAnswer } from '../../shared/protocol/enrolment.ts'
import type { Role } from '../../shared/protocol/role.ts'
import { becomeDevice } from '../../study/become-device.ts'
import { makeDeviceSecrets, publicKeysOf } from '../../study/device-secrets.ts'
import { issueDevice } from '../../study/issuer.ts'
import { foundTestStudy, type TestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
const other = await foundTestStudy()
t.teardown(() => [study, other].map(({ dispose }) => dispose()))
const modeOf = (path: string) => statSync(path).mode & 0o777
let made = 0

/** A data directory in which keys were made and wait for an answer. */
async function waiting(): Promise<{ data: string; secrets: DeviceSecrets }> {
  made += 1
  const data = join(study.directory, `new-${made}`)
  const secrets = await makeDeviceSecrets(true)
  await writePendingSecrets(data, secrets)
  return { data, secrets }
}

async function answerFor(
  { server, issuer, publish }: TestStudy,
  secrets: DeviceSecrets,
  role: Role = 'field',
): Promise<EnrolmentAnswer> {
  const { secrets: _, ...own } = server.identity
  const { credential, certificate } = await issueDevice(issuer, role, await publicKeysOf(secrets))
  return { ...own, credential, certificate, role, name: 'new', studyDocument: await publish(() => ({})) }
}

t.test('an answer for the keys made here makes a device, whose secrets its owner alone can read', async (t) => {
  for (const role of ['field', 'relay', 'server'] as const) {
    const { data, secrets } = await waiting()
    t.strictSame(readPendingSecrets(data), secrets)
    t.equal(modeOf(join(data, 'keys.json')), 0o600)
    t.equal(hasIdentity(data), false)
    const answer = await answerFor(study, secrets, role)
    t.strictSame(await becomeDevice(data, secrets, answer, study.study), answer)
    const identity = readIdentity(data)
    t.match(identity, { role, study: study.study, credential: answer.credential })
    t.equal(identity.secrets.sealing, role === 'server' ? secrets.sealing : null, 'only servers open payloads')
    t.equal(modeOf(join(data, 'identity.json')), 0o600)
    t.equal(modeOf(data) & 0o007, 0, 'and nobody else looks into the directory')
    t.equal(existsSync(join(data, 'keys.json')), false, 'nothing waits any more')
    t.equal(signerOf(identity).kid, documentDigest(answer.credential))
    t.equal(deviceOf(identity), deviceIdOf(publicKeyOf(secrets.signing)))
  }
})

/** An answer bent by a server that means ill, or by a mistake. */
type Bend = (answer: EnrolmentAnswer, secrets: DeviceSecrets) => Promise<unknown> | unknown
const stranger = await makeDeviceSecrets(true)
const { issuer } = study
const above = { subject: issuerSubject(issuer.device), privateKey: issuer.privateKey }

async function named(
  change: Partial<{ role: Role; device: string; study: string }>,
  secrets: DeviceSecrets,
  signer = above,
) {
  const { device } = await issueDevice(issuer, 'field', await publicKeysOf(secrets))
  const peer = { study: study.study, role: 'field' as const, device, epoch: 0, ...change }
  return certifyDevice(peer, publicKeyOf(secrets.tls), signer)
}

/** Certificates for our keys, as we are named, which a key of somebody else's signed. */
function rogueChain(withAuthority: boolean): Bend {
  return async (answer, secrets) => {
    const [root, middle] = [newSigningKey(), newSigningKey()]
    const subject = authoritySubject(study.study)
    const signer = { subject, privateKey: root }
    const authorityCertificate = await certifyAuthority(subject, publicKeyOf(root), signer, 1)
    const issuerCertificate = await certifyAuthority(above.subject, publicKeyOf(middle), signer, 0)
    const certificate = await named({}, secrets, { ...above, privateKey: middle })
    return { ...answer, ...(withAuthority ? { authorityCertificate } : {}), issuerCertificate, certificate }
  }
}

const bent: Record<string, [Bend, string]> = {
  'for other keys altogether': [async () => answerFor(study, stranger), 'CREDENTIAL_REFUSED'],
  "another's credential": [
    async (answer) => ({ ...answer, credential: (await answerFor(study, stranger)).credential }),
    'CREDENTIAL_REFUSED',
  ],
  "another's certificate": [
    async (answer) => ({ ...answer, certificate: (await answerFor(study, stranger)).certificate }),
    'CREDENTIAL_REFUSED',
  ],
  'a credential with another TLS key': [
    async (answer, secrets) => {
      const keys = { ...(await publicKeysOf(secrets)), tlsKey: publicKeyOf(stranger.tls) }
      return { ...answer, credential: (await issueDevice(issuer, 'field', keys)).credential }
    },
    'CREDENTIAL_REFUSED',
  ],
  'a role that the credential does not have': [(answer) => ({ ...answer, role: 'server' }), 'CREDENTIAL_REFUSED'],
  'a certificate of another role': [
    async (answer, secrets) => ({ ...answer, certificate: await named({ role: 'server' }, secrets) }),
    'CREDENTIAL_REFUSED',
  ],
  "a certificate that bears another device's name": [
    async (answer, secrets) => ({ ...answer, certificate: await named({ device: study.server.device }, secrets) }),
    'CREDENTIAL_REFUSED',
  ],
  'a certificate of another study': [
    async (answer, secrets) => ({ ...answer, certificate: await named({ study: other.study }, secrets) }),
    'CREDENTIAL_REFUSED',
  ],
  'a certificate for another TLS key, in our name': [
    async (answer, secrets) => ({ ...answer, certificate: await named({}, { ...secrets, tls: stranger.tls }) }),
    'CREDENTIAL_REFUSED',
  ],
  'a certificate of another role, with that role': [
    async (answer, secrets) => ({ ...answer, role: 'relay', certificate: await named({ role: 'relay' }, secrets) }),
    'CREDENTIAL_REFUSED',
  ],
  'a chain in our names under a rogue authority': [rogueChain(true), 'CREDENTIAL_REFUSED'],
  'an issuer in our names that the authority did not certify': [rogueChain(false), 'CREDENTIAL_REFUSED'],
  'a certificate that is none': [(answer) => ({ ...answer, certificate: 'text' }), 'BAD_DOCUMENT'],
  'an authority certificate that is none': [(answer) => ({ ...answer, authorityCertificate: '' }), 'BAD_DOCUMENT'],
  "another study's certificates": [
    (answer) => ({ ...answer, authorityCertificate: other.server.identity.authorityCertificate }),
    'CREDENTIAL_REFUSED',
  ],
  "another study's issuer certificate": [
    (answer) => ({ ...answer, issuerCertificate: other.server.identity.issuerCertificate }),
    'CREDENTIAL_REFUSED',
  ],
  'an issuer that the authority did not sign': [
    (answer) => ({ ...answer, issuerCredential: other.server.identity.issuerCredential }),
    'STUDY_MISMATCH',
  ],
  'another study, all of it in order': [async (_answer, secrets) => answerFor(other, secrets), 'PIN_MISMATCH'],
  "another study's id over our key": [(answer) => ({ ...answer, study: other.study }), 'PIN_MISMATCH'],
  "our study's id over another's key": [
    (answer) => ({ ...answer, authorityKey: other.server.identity.authorityKey }),
    'PIN_MISMATCH',
  ],
  'a study document that a field laptop signed': [
    async (answer, secrets) => {
      const document = JSON.parse(Buffer.from(answer.studyDocument.split('.')[1] ?? '', 'base64url').toString())
      const signer = { kid: documentDigest(answer.credential), privateKey: secrets.signing }
      return { ...answer, studyDocument: (await signDocument('study', document, signer)).jws }
    },
    'ROLE_REFUSED',
  ],
  'a study document that is none': [(answer) => ({ ...answer, studyDocument: '' }), 'BAD_DOCUMENT'],
  'a field more': [(answer) => ({ ...answer, more: 1 }), 'BAD_DOCUMENT'],
  'a field less': [({ name: _, ...answer }) => answer, 'BAD_DOCUMENT'],
  nothing: [() => null, 'BAD_DOCUMENT'],
}

for (const [what, [bend, code]] of Object.entries(bent))
  t.test(`refused: ${what}`, async (t) => {
    const { data, secrets } = await waiting()
    const answer = await bend(await answerFor(study, secrets), secrets)
    await t.rejects(becomeDevice(data, secrets, answer, study.study), { code })
    t.equal(hasIdentity(data), false, 'no device was made')
    t.strictSame(readPendingSecrets(data), secrets, 'the same keys can ask again')
  })

t.test('a person who pins nothing pins no study', async (t) => {
  const { data, secrets } = await waiting()
  const answer = await answerFor(study, secrets)
  for (const pin of ['', study.study.slice(0, 8), study.study.toUpperCase()])
    await t.rejects(becomeDevice(data, secrets, answer, pin), { code: 'PIN_MISMATCH' }, pin)
})

t.test('the identity is written last: what fails before it leaves no device', async (t) => {
  const { data, secrets } = await waiting()
  const answer = await answerFor(study, secrets)
  // Where the identity is to be written, a directory is in the way: the disk does not take it.
  mkdirSync(join(data, 'identity.json', 'x'), { recursive: true })
  await t.rejects(becomeDevice(data, secrets, answer, study.study))
  t.strictSame(readPendingSecrets(data), secrets, 'the keys are kept')
  t.strictSame(
    readdirSync(data).filter((name) => name.endsWith('.part')),
    [],
    'and no half-written secret',
  )
})
