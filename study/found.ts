import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { hasIdentity, type Identity, writeIdentity } from '../shared/crypto/identity.ts'
import { newSealingKey, newSigningKey, publicKeyOf, recipientId, studyIdOf } from '../shared/crypto/keys.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { documentDigest } from '../shared/crypto/sign-document.ts'
import { Digest } from '../shared/protocol/fields.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { writeOnce } from '../shared/storage/durable-file.ts'
import { makeDeviceSecrets, publicKeysOf } from './device-secrets.ts'
import { type Authority, certifyRoot, createIssuer, type Issuer, issueDevice } from './issuer.ts'
import { publishFirst } from './publish.ts'
import { defaultSettings } from './settings.ts'

const RecoveryKit = Type.Object({
  v: Type.Literal(1),
  name: Type.String(),
  study: Digest,
  authorityPrivateKey: Type.String(),
  authorityCertificate: Type.String(),
  recoveryIdentity: Type.String(),
  recoveryRecipient: Type.String(),
})
/** What must leave the server: with it alone a lost server is rebuilt. */
export type RecoveryKit = Static<typeof RecoveryKit>

/** Founds a study: authority, issuer, recovery identity, the community server's device, and the first study document. */
export async function foundStudy(
  name: string,
  data: string,
  kitPath: string,
  clock: Clock,
): Promise<{ study: string; server: string }> {
  if (hasIdentity(data)) throw new WaybillError('DATA_OCCUPIED', `${data} already holds a device`)
  const authorityPrivateKey = newSigningKey()
  const authority = await certifyRoot(studyIdOf(publicKeyOf(authorityPrivateKey)), authorityPrivateKey)
  const recovery = await newSealingKey()
  await writeKit(kitPath, name, authority, recovery)
  const { identity, issuer, document } = await createServer(authority, name, recovery.recipient, clock)
  await publishFirst(data, issuer, document)
  await writeIdentity(data, identity)
  return { study: authority.study, server: identity.server }
}

/** Makes a community server under the authority, and the study document in which it counts. */
export async function createServer(authority: Authority, name: string, recoveryRecipient: string, clock: Clock) {
  const issuer = await createIssuer(authority)
  const secrets = { ...(await makeDeviceSecrets(true)), issuer: issuer.privateKey }
  const issued = await issueDevice(issuer, 'server', await publicKeysOf(secrets))
  const { sealingKey } = await publicKeysOf(secrets)
  const document = firstDocument(authority.study, name, issued.device, String(sealingKey), recoveryRecipient, clock)
  const identity: Identity = {
    v: 1,
    study: authority.study,
    authorityKey: publicKeyOf(authority.privateKey),
    authorityCertificate: authority.certificate,
    issuerCertificate: issuer.certificate,
    certificate: issued.certificate,
    issuerCredential: issuer.credential,
    credential: issued.credential,
    serverCredential: issued.credential,
    studyDocument: '',
    server: issued.device,
    role: 'server',
    name: 'server',
    addresses: [],
    secrets,
  }
  return { identity, issuer, document }
}

/** The issuer that lives on this server, ready to sign. @throws ROLE_REFUSED where there is none */
export function issuerOf(identity: Identity): Issuer {
  const privateKey = identity.secrets.issuer
  if (privateKey === undefined) throw new WaybillError('ROLE_REFUSED', 'this device does not add others')
  return {
    study: identity.study,
    device: readDocument(identity.issuerCredential, 'credential').document.device,
    privateKey,
    credential: identity.issuerCredential,
    certificate: identity.issuerCertificate,
    signer: { kid: documentDigest(identity.issuerCredential), privateKey },
  }
}

function firstDocument(
  study: string,
  name: string,
  server: string,
  key: string,
  recovery: string,
  clock: Clock,
): StudyDocument {
  return {
    v: 1,
    study,
    version: 1,
    previous: null,
    at: clock.now().toISOString(),
    ...defaultSettings(name),
    devices: { [server]: { name: 'server', role: 'server', site: null } },
    servers: [server],
    recipients: [
      { id: recipientId(key), key, site: null, holder: 'server' },
      { id: recipientId(recovery), key: recovery, site: null, holder: 'recovery' },
    ],
    minimumEpoch: {},
    revocations: [],
  }
}

async function writeKit(
  path: string,
  name: string,
  authority: Authority,
  recovery: { identity: string; recipient: string },
) {
  const kit: RecoveryKit = {
    v: 1,
    name,
    study: authority.study,
    authorityPrivateKey: authority.privateKey,
    authorityCertificate: authority.certificate,
    recoveryIdentity: recovery.identity,
    recoveryRecipient: recovery.recipient,
  }
  if (!(await writeOnce(path, JSON.stringify(kit, null, 2), 0o600)))
    throw new WaybillError('DATA_OCCUPIED', `${path} is there already: it may be the only kit of another study`)
}

/** Where the kit is written unless told otherwise. */
export function defaultKitPath(data: string): string {
  return join(data, 'TAKE-OFFLINE-recovery-kit.json')
}

/** Reads a kit that was taken offline. @throws BAD_ARGUMENT */
export function readKit(path: string): RecoveryKit {
  let kit: unknown
  try {
    kit = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new WaybillError('BAD_ARGUMENT', `${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`)
  }
  if (!Value.Check(RecoveryKit, kit)) throw new WaybillError('BAD_ARGUMENT', `${path} is no recovery kit`)
  return kit
}
