import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { Role } from '../protocol/role.ts'
import { WaybillError } from '../service/errors.ts'
import { type CertifiedPeer, readPeerUri } from './certificate.ts'
import type { Identity } from './identity.ts'

/** Decides on a peer whose certificate has verified: throws REVOKED, ROLE_REFUSED... or lets it pass. */
export type Admit = (peer: CertifiedPeer) => void

/** Key, chain and the one authority that this device trusts. */
export function tlsMaterial(identity: Identity): SecureContextOptions {
  return {
    key: identity.secrets.tls,
    cert: identity.certificate + identity.issuerCertificate,
    ca: identity.authorityCertificate,
    minVersion: 'TLSv1.3',
  }
}

/**
 * The peer behind a connection that Node's own verification found good.
 * @param resumed who it was when the session was begun that this side resumes
 * @throws CREDENTIAL_REFUSED, STUDY_MISMATCH, and what `admit` throws
 */
export function peerOf(socket: TLSSocket, study: string, admit: Admit, resumed?: CertifiedPeer): CertifiedPeer {
  if (!socket.authorized) throw new WaybillError('CREDENTIAL_REFUSED', 'the certificate does not verify')
  const peer = resumed && socket.isSessionReused() ? resumed : certifiedAs(socket)
  if (!peer) throw new WaybillError('CREDENTIAL_REFUSED', 'the certificate names no device')
  if (peer.study !== study) throw new WaybillError('STUDY_MISMATCH', `a device of study ${peer.study.slice(0, 8)}`)
  admit(peer)
  return peer
}

const certified = new WeakMap<TLSSocket, CertifiedPeer | undefined>()

/** Each request asks who is on its connection; the certificate is read once. */
function certifiedAs(socket: TLSSocket): CertifiedPeer | undefined {
  if (!certified.has(socket)) certified.set(socket, readPeerUri(socket.getPeerX509Certificate()?.subjectAltName))
  return certified.get(socket)
}

/** Admits only these roles. */
export function onlyRoles(...roles: Role[]): Admit {
  return (peer) => {
    if (!roles.includes(peer.role)) throw new WaybillError('ROLE_REFUSED', `a ${peer.role} may not do this`)
  }
}
