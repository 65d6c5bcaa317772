import { sha256 } from '../shared/crypto/digest.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { deviceIdOf, textIsSigned } from '../shared/crypto/keys.ts'
import type { EnrolmentAnswer, EnrolmentRequest } from '../shared/protocol/enrolment.ts'
import type { Role } from '../shared/protocol/role.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { keysDigest } from '../study/device-secrets.ts'
import { issuerOf } from '../study/found.ts'
import { issueDevice } from '../study/issuer.ts'
import { publishNext } from '../study/publish.ts'
import { checkName, type NewDevice } from './enrol-code.ts'
import type { ServerStore } from './open-store.ts'

/** What adding a device needs to know. */
export interface AddContext {
  store: ServerStore
  identity: Identity
  shelf: StudyShelf
  clock: Clock
  data: string
  /** Where devices will find this server. */
  addresses: string[]
}

interface CodeRow {
  role: Role
  name: string
  site: string | null
  expiresAt: string
  device: string | null
  answer: string | null
}

/**
 * Answers a device that shows a code's secret. The first use binds the device's key; the same key gets the same answer again, so
 * that a lost answer burns nothing; any other is refused.
 * @throws CODE_REFUSED, without saying which part was wrong
 */
export async function redeemCode(context: AddContext, request: EnrolmentRequest): Promise<EnrolmentAnswer> {
  const { store, clock } = context
  const digest = sha256(request.secret ?? '')
  const device = checkProof(request)
  const code = bindCode(store, digest, device, clock.now())
  if (code.answer !== null) return JSON.parse(code.answer)
  const answer = await addDevice(context, request, code)
  store.$client.prepare('UPDATE codes SET answer = ? WHERE secret_digest = ?').run(JSON.stringify(answer), digest)
  return answer
}

/** Answers a request file, for a device that has no network: the person who brings it vouches for it. */
export async function answerRequestFile(
  context: AddContext,
  request: EnrolmentRequest,
  device: NewDevice,
): Promise<EnrolmentAnswer> {
  checkProof(request)
  return addDevice(context, request, device)
}

/** Issues credential and certificate, and publishes the study document that names the device. */
async function addDevice(
  context: AddContext,
  request: EnrolmentRequest,
  { role, name, site }: NewDevice,
): Promise<EnrolmentAnswer> {
  const { identity, shelf, clock, data, addresses } = context
  const issuer = issuerOf(identity)
  const sealingKey = role === 'server' || role === 'central' ? request.keys.sealingKey : null
  const issued = await issueDevice(issuer, role, { ...request.keys, sealingKey })
  await shelf.refresh()
  if (!isAdded(shelf.document, issued.device, { role, name, site }))
    await publishNext(data, shelf, issuer, clock.now(), (document) => {
      // Another program may have given the name away meanwhile.
      checkName(document, { role, name, site }, issued.device)
      return { devices: { ...document.devices, [issued.device]: { name, role, site } } }
    })
  return {
    v: 1,
    study: identity.study,
    authorityKey: identity.authorityKey,
    authorityCertificate: identity.authorityCertificate,
    issuerCertificate: identity.issuerCertificate,
    certificate: issued.certificate,
    issuerCredential: identity.issuerCredential,
    credential: issued.credential,
    serverCredential: identity.credential,
    studyDocument: shelf.jws,
    server: identity.server,
    role,
    name,
    addresses,
  }
}

/** @throws CODE_REFUSED for a device that was added as another one, REVOKED: a new code does not undo that */
function isAdded(study: StudyDocument, device: string, { role, name }: NewDevice): boolean {
  const known = study.devices[device]
  if (study.revocations.some((revocation) => revocation.device === device))
    throw new WaybillError('REVOKED', 'this device was revoked; add it with new keys, in a new data directory')
  if (known && (known.role !== role || known.name !== name))
    throw new WaybillError('CODE_REFUSED', 'this device was added before, as another')
  return known !== undefined
}

function checkProof({ keys, proof }: EnrolmentRequest): string {
  if (!textIsSigned(keysDigest(keys), proof, keys.signingKey))
    throw new WaybillError('CODE_REFUSED', 'the request is not signed with the key that it names')
  return deviceIdOf(keys.signingKey)
}

/** One transaction: whoever comes first has the code. */
function bindCode(store: ServerStore, digest: string, device: string, now: Date): CodeRow {
  const client = store.$client
  return client
    .transaction(() => {
      const code = client
        .prepare<[string], CodeRow>(
          'SELECT role, name, site, expires_at expiresAt, device, answer FROM codes WHERE secret_digest = ?',
        )
        .get(digest)
      const isOther = code?.device !== null && code?.device !== device
      if (!code || isOther || (code.device === null && code.expiresAt < now.toISOString()))
        throw new WaybillError('CODE_REFUSED', 'the code is not accepted')
      client.prepare('UPDATE codes SET device = ? WHERE secret_digest = ?').run(device, digest)
      return code
    })
    .immediate()
}
