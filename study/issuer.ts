import { authoritySubject, certifyAuthority, certifyDevice, issuerSubject } from '../shared/crypto/certificate.ts'
import { deviceIdOf, newSigningKey, publicKeyOf } from '../shared/crypto/keys.ts'
import { type Signer, signDocument } from '../shared/crypto/sign-document.ts'
import type { DeviceKeys } from '../shared/protocol/enrolment.ts'
import type { Role } from '../shared/protocol/role.ts'

/** The study's root: its id, its key and its certificate. The private key leaves with the recovery kit. */
export interface Authority {
  study: string
  privateKey: string
  certificate: string
}

/** Who signs devices: a signer of credentials and of X.509 certificates under the authority. */
export interface Issuer {
  study: string
  device: string
  privateKey: string
  credential: string
  certificate: string
  signer: Signer
}

/** What an issuer gives a device. */
export interface Issued {
  device: string
  credential: string
  certificate: string
}

/** The authority's self-signed certificate. */
export async function certifyRoot(study: string, privateKey: string): Promise<Authority> {
  const subject = authoritySubject(study)
  const certificate = await certifyAuthority(subject, publicKeyOf(privateKey), { subject, privateKey }, 1)
  return { study, privateKey, certificate }
}

/** Makes a new issuer and signs it with the authority's key. */
export async function createIssuer(authority: Authority): Promise<Issuer> {
  const privateKey = newSigningKey()
  const signingKey = publicKeyOf(privateKey)
  const device = deviceIdOf(signingKey)
  const credential = await signDocument(
    'credential',
    { v: 1, study: authority.study, device, role: 'issuer', epoch: 0, signingKey, tlsKey: null, sealingKey: null },
    { kid: authority.study, privateKey: authority.privateKey },
  )
  const root = { subject: authoritySubject(authority.study), privateKey: authority.privateKey }
  const certificate = await certifyAuthority(issuerSubject(device), signingKey, root, 0)
  const signer = { kid: credential.digest, privateKey }
  return { study: authority.study, device, privateKey, credential: credential.jws, certificate, signer }
}

/** Signs a device's credential and TLS certificate. The same keys and role get an equal credential again. */
export async function issueDevice(issuer: Issuer, role: Role, keys: DeviceKeys): Promise<Issued> {
  const device = deviceIdOf(keys.signingKey)
  const credential = await signDocument(
    'credential',
    { v: 1, study: issuer.study, device, role, epoch: 0, ...keys },
    issuer.signer,
  )
  const authority = { subject: issuerSubject(issuer.device), privateKey: issuer.privateKey }
  const certificate = await certifyDevice({ study: issuer.study, role, device, epoch: 0 }, keys.tlsKey, authority)
  return { device, credential: credential.jws, certificate }
}
