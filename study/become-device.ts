import { X509Certificate } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { readPeerUri } from '../shared/crypto/certificate.ts'
import { type DeviceSecrets, writeIdentity } from '../shared/crypto/identity.ts'
import { deviceIdOf, publicKeyOf, studyIdOf } from '../shared/crypto/keys.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { Trust } from '../shared/crypto/trust.ts'
import { EnrolmentAnswer } from '../shared/protocol/enrolment.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'

/**
 * Makes the data directory the device that a study's server answered for, after checking that every part of the answer leads
 * to the pinned authority and is for the keys made here. The identity is written last: until then nothing runs.
 * @param study the study id that a code or a person pinned
 * @throws PIN_MISMATCH, BAD_DOCUMENT, CREDENTIAL_REFUSED
 */
export async function becomeDevice(
  data: string,
  secrets: DeviceSecrets,
  answer: unknown,
  study: string,
): Promise<EnrolmentAnswer> {
  if (!Value.Check(EnrolmentAnswer, answer)) {
    const first = Value.Errors(EnrolmentAnswer, answer).First()
    throw new WaybillError('BAD_DOCUMENT', `the answer: ${first?.path} ${first?.message}`)
  }
  if (answer.study !== study || studyIdOf(answer.authorityKey) !== study)
    throw new WaybillError('PIN_MISMATCH', 'the answer is of another study than the one that was pinned')
  const trust = new Trust(answer.authorityKey)
  await trust.admitAll([answer.issuerCredential, answer.credential, answer.serverCredential])
  checkCredential(answer, secrets)
  checkCertificate(answer, secrets)
  const { jws, document } = await trust.verify(answer.studyDocument, 'study')
  await StudyShelf.put(data, { jws, version: document.version })
  const keptSecrets = answer.role === 'server' || answer.role === 'central' ? secrets : { ...secrets, sealing: null }
  await writeIdentity(data, { ...answer, studyDocument: '', secrets: keptSecrets })
  await rm(join(data, 'keys.json'), { force: true })
  return answer
}

function checkCredential({ credential, role }: EnrolmentAnswer, secrets: DeviceSecrets): void {
  const { document } = readDocument(credential, 'credential')
  const isOwn = document.signingKey === publicKeyOf(secrets.signing) && document.tlsKey === publicKeyOf(secrets.tls)
  if (!isOwn || document.role !== role)
    throw new WaybillError('CREDENTIAL_REFUSED', 'the credential is not for the keys of this device')
}

/** A name that peers compare with the credential's, so it has to be this device's and no other. */
function checkCertificate(answer: EnrolmentAnswer, secrets: DeviceSecrets): void {
  const authority = readCertificate(answer.authorityCertificate)
  const issuer = readCertificate(answer.issuerCertificate)
  const own = readCertificate(answer.certificate)
  const keyOf = (certificate: X509Certificate) => String(certificate.publicKey.export({ format: 'jwk' }).x)
  const leads =
    keyOf(authority) === answer.authorityKey && issuer.verify(authority.publicKey) && own.verify(issuer.publicKey)
  const peer = readPeerUri(own.subjectAltName)
  const isNamed =
    peer?.study === answer.study &&
    peer.role === answer.role &&
    peer.device === deviceIdOf(publicKeyOf(secrets.signing))
  if (!leads || keyOf(own) !== publicKeyOf(secrets.tls) || !isNamed)
    throw new WaybillError('CREDENTIAL_REFUSED', 'the TLS certificate is not for the keys of this device')
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', 'the answer: a certificate is not one', { cause })
  }
}
