import canonicalize from 'canonicalize'
import { CompactSign, compactVerify } from 'jose'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { signerOf } from '../../../shared/crypto/identity.ts'
import { deviceIdOf, newSigningKey, privateKey, publicKey, publicKeyOf } from '../../../shared/crypto/keys.ts'
import { readDocument } from '../../../shared/crypto/read-document.ts'
import { type Signer, signDocument } from '../../../shared/crypto/sign-document.ts'
import { checkStanding } from '../../../shared/crypto/standing.ts'
import { Trust } from '../../../shared/crypto/trust.ts'
import { type DocumentKind, documentKinds } from '../../../shared/protocol/document-kinds.ts'
import type { Role } from '../../../shared/protocol/role.ts'
import { readKit } from '../../../study/found.ts'
import { foundTestStudy, type TestDevice, trustOf } from '../../fixtures/study.ts'

const study = await foundTestStudy()
const other = await foundTestStudy()
t.teardown(() => [study, other].map(({ dispose }) => dispose()))
const { issuer, server } = study
const devices: Record<string, TestDevice> = { server }
for (const role of ['field', 'relay', 'central'] as const) devices[role] = await study.enrol(role, role)
const field = devices.field as TestDevice
const trust = await trustOf(server.identity)
for (const { identity } of Object.values(devices)) await trust.admitAll([identity.credential])
const authority: Signer = { kid: study.study, privateKey: readKit(study.kitPath).authorityPrivateKey }

const [digest, nonce, at] = [sha256('x'), sha256('x').slice(0, 32), '2026-11-24T08:00:00.000Z']
const core = { v: 1, study: study.study }
const incarnation = { number: 1, nonce }
const server32 = server.device
/** A well-formed document of each kind. */
const samples: Record<Exclude<DocumentKind, 'credential'>, object> = {
  manifest: {
    ...{
      ...core,
      producer: field.device,
      chain: nonce,
      seq: 1,
      previous: null,
      continues: null,
      sealedAt: at,
      changes: 0,
    },
    ...{ studyVersion: 1, payload: { digest, size: 1, recipients: [digest] }, plain: { digest, size: 1 } },
    ...{ requisitions: { digest, count: 0 }, handovers: [] },
  },
  custody: { ...core, manifest: digest, hop: 1, prev: digest, from: nonce, by: nonce, at, peerAt: null, head: null },
  delivery: {
    ...{ ...core, producer: nonce, chain: nonce, through: 1, throughDigest: digest, above: [], safeThrough: 0 },
    ...{ server: server32, incarnation, at },
  },
  gaps: {
    ...{ ...core, producer: nonce, chain: nonce, missing: [], witnessed: 1, unsealed: 0 },
    ...{ server: server32, incarnation, at },
  },
  handover: {
    ...{ ...core, id: nonce, giver: nonce, taker: nonce, began: at, revision: 1, previous: null, at, studyVersion: 1 },
    ...{ lines: [], strays: [], temperature: null, acts: [], log: [] },
  },
  handoverReceipt: { ...core, server: server32, documents: [digest], at },
  signature: {
    ...{ ...core, handover: digest, id: nonce, revision: 1, by: nonce, meaning: 'received', person: null },
    ...{ verified: false, agrees: true, remark: null, at, log: [] },
  },
  study: readDocument(await study.publish(() => ({})), 'study').document,
}
/** PROTOCOL.md, "may sign". */
const maySign: Record<keyof typeof samples, Role[]> = {
  manifest: ['field', 'server'],
  custody: ['relay', 'server', 'central'],
  delivery: ['server', 'central'],
  gaps: ['server', 'central'],
  handover: ['field', 'relay'],
  handoverReceipt: ['server', 'central'],
  signature: ['field', 'relay'],
  study: ['issuer'],
}
const kinds = Object.keys(samples) as (keyof typeof samples)[]
const signers: Record<string, Signer> = { issuer: issuer.signer }
for (const [role, { identity }] of Object.entries(devices)) signers[role] = signerOf(identity)

t.test('invariant 5: each kind counts only from a role that may sign it', async (t) => {
  for (const kind of kinds)
    for (const [role, signer] of Object.entries(signers)) {
      const { jws } = await signDocument(kind, samples[kind], signer)
      const verified = trust.verify(jws, kind)
      const isAllowed = maySign[kind].includes(role as Role)
      if (isAllowed) t.equal((await verified).signer.role, role, `a ${role} may sign a ${kind}`)
      else await t.rejects(verified, { code: 'ROLE_REFUSED' }, `a ${role} may not sign a ${kind}`)
    }
})

t.test('a document of one kind is no document of another', async (t) => {
  for (const kind of kinds)
    for (const typ of kinds.filter((name) => name !== kind)) {
      const { jws } = await signDocument(typ, samples[kind], signers.server as Signer)
      await t.rejects(trust.verify(jws, kind), { code: 'BAD_DOCUMENT' }, `a ${kind} as a ${documentKinds[typ].typ}`)
    }
})

t.test('another study: its documents, its devices, and its name over our keys', async (t) => {
  const foreign = other.server.identity
  const manifest = { ...samples.manifest, study: other.study }
  const rejects = (jws: string, code: string, what: string) => t.rejects(trust.verify(jws, 'manifest'), { code }, what)
  const own = signerOf(field.identity)
  await rejects((await signDocument('manifest', manifest, signerOf(foreign))).jws, 'STUDY_MISMATCH', 'their own')
  await rejects((await signDocument('manifest', manifest, own)).jws, 'STUDY_MISMATCH', 'signed with our key')
  const ours = (await signDocument('manifest', samples.manifest, signerOf(foreign))).jws
  await rejects(ours, 'CREDENTIAL_REFUSED', 'our study id, their signature')
  await t.rejects(trust.admitAll([foreign.issuerCredential]), { code: 'STUDY_MISMATCH' })
  await t.rejects(trust.admitAll([foreign.credential]), { code: 'STUDY_MISMATCH' })
})

t.test('another implementation of JWS signs what is believed, and believes what is signed', async (t) => {
  const { kid, privateKey: pem } = signerOf(field.identity)
  const header = { alg: 'Ed25519', kid, typ: documentKinds.manifest.typ }
  const payload = Buffer.from(canonicalize(samples.manifest) ?? '')
  const theirs = await new CompactSign(payload).setProtectedHeader(header).sign(privateKey(pem))
  t.equal((await trust.verify(theirs, 'manifest')).signer.device, field.device)
  const ours = await signDocument('manifest', samples.manifest, signerOf(field.identity))
  t.equal(ours.jws, theirs, 'Ed25519 has one signature for one text')
  const { payload: read } = await compactVerify(ours.jws, publicKey(publicKeyOf(pem)), { algorithms: ['Ed25519'] })
  t.ok(payload.equals(read))
})

t.test('a signature of another key, or over another text, is not believed', async (t) => {
  const { kid } = signerOf(field.identity)
  const forged = await signDocument('manifest', samples.manifest, { kid, privateKey: newSigningKey() })
  await t.rejects(trust.verify(forged.jws, 'manifest'), { code: 'SIGNATURE_INVALID' })
  const [first, second] = await Promise.all(
    [1, 2].map((changes) => signDocument('manifest', { ...samples.manifest, changes }, signerOf(field.identity))),
  )
  const [head, body] = String(first?.jws).split('.')
  const swapped = `${head}.${body}.${second?.jws.split('.')[2]}`
  await t.rejects(trust.verify(swapped, 'manifest'), { code: 'SIGNATURE_INVALID' })
  const unknown = await signDocument('manifest', samples.manifest, { ...signerOf(field.identity), kid: sha256('none') })
  await t.rejects(trust.verify(unknown.jws, 'manifest'), { code: 'CREDENTIAL_REFUSED' }, 'a signer that is not known')
})

/** A credential of a new key, as `signer` would sign it; `change` bends it. */
async function credentialBy(signer: Signer, change: object = {}): Promise<string> {
  const signingKey = publicKeyOf(newSigningKey())
  const device = deviceIdOf(signingKey)
  const plain = { ...core, device, role: 'field', epoch: 0, signingKey, tlsKey: null, sealingKey: null, ...change }
  return (await signDocument('credential', plain, signer)).jws
}

t.test('invariant 5: credentials lead to the authority, or to nothing', async (t) => {
  const rogue = { kid: study.study, privateKey: newSigningKey() }
  const refused = async (jws: Promise<string>, code: string, what: string) =>
    t.rejects(
      new Trust(server.identity.authorityKey).admitAll([server.identity.issuerCredential, await jws]),
      { code },
      what,
    )
  const asIssuer = { role: 'issuer' }
  await refused(
    credentialBy(rogue, asIssuer),
    'SIGNATURE_INVALID',
    "an issuer signed by a key that calls itself the study's",
  )
  await refused(credentialBy(issuer.signer, asIssuer), 'CREDENTIAL_REFUSED', 'an issuer signed by an issuer')
  await refused(credentialBy(authority), 'CREDENTIAL_REFUSED', 'a device signed by the authority, past the issuers')
  await refused(
    credentialBy(signerOf(server.identity)),
    'CREDENTIAL_REFUSED',
    'a device signed by a server that is not known',
  )
  await refused(credentialBy(issuer.signer, { device: nonce }), 'CREDENTIAL_REFUSED', 'a device id not of its key')
  await refused(credentialBy(issuer.signer, { study: other.study }), 'STUDY_MISMATCH', 'of another study')
  await refused(credentialBy({ ...issuer.signer, privateKey: newSigningKey() }), 'SIGNATURE_INVALID', 'of a stolen kid')
  await t.rejects(
    trust.admitAll([await credentialBy(signerOf(server.identity))]),
    { code: 'CREDENTIAL_REFUSED' },
    'a device signed by a device',
  )
  await t.resolves(trust.admitAll([await credentialBy(issuer.signer)]), 'a device signed by the issuer')
  await t.resolves(trust.admitAll([await credentialBy(authority, asIssuer)]), 'an issuer signed by the authority')
})

t.test('credentials come in any order; what was verified is handed over to be kept, once', async (t) => {
  const kept: string[] = []
  const fresh = new Trust(
    server.identity.authorityKey,
    () => undefined,
    ({ jws }) => kept.push(jws),
  )
  const { credential, issuerCredential } = field.identity
  await t.rejects(fresh.admitAll([credential]), { code: 'CREDENTIAL_REFUSED' }, 'not before its issuer')
  t.strictSame(kept, [], 'nothing that is not verified is kept')
  for (const round of [1, 2]) await t.resolves(fresh.admitAll([credential, issuerCredential]), `round ${round}`)
  t.strictSame(kept, [issuerCredential, credential])
})

t.test('a stored credential is believed only under its own digest', async (t) => {
  const relay = devices.relay as TestDevice
  const { credential, issuerCredential } = field.identity
  const fieldKid = signerOf(field.identity).kid
  const stored = new Map([[fieldKid, relay.identity.credential]])
  const fresh = new Trust(server.identity.authorityKey, (kid) => stored.get(kid))
  await fresh.admitAll([issuerCredential])
  await t.rejects(fresh.credential(fieldKid), { code: 'CREDENTIAL_REFUSED' }, "another device's row")
  stored.set(fieldKid, credential)
  t.equal((await fresh.credential(fieldKid)).credential.device, field.device)
})

t.test('invariant 7: a revoked device and a credential below the minimum epoch have no standing', async (t) => {
  const document = readDocument(await study.publish(() => ({ minimumEpoch: { relay: 2 } })), 'study').document
  const revoked = { ...document, revocations: [{ device: nonce, chains: [], reason: 'stolen' }] }
  const standing = (device: string, role: Role, epoch: number) => () => checkStanding(revoked, { device, role, epoch })
  t.throws(standing(nonce, 'field', 9), { code: 'REVOKED' })
  t.throws(standing(field.device, 'relay', 1), { code: 'REVOKED' }, 'an older epoch')
  t.doesNotThrow(standing(field.device, 'relay', 2))
  t.doesNotThrow(standing(field.device, 'field', 0), 'a role without a minimum')
})
