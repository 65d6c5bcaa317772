import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { Agent } from 'undici'
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
 * @throws CREDENTIAL_REFUSED, and what `admit` throws
 */
export function peerOf(socket: TLSSocket, study: string, admit: Admit): CertifiedPeer {
  if (!socket.authorized) throw new WaybillError('CREDENTIAL_REFUSED', 'the certificate does not verify')
  return checkPeer(socket.getPeerX509Certificate(), study, admit)
}

/**
 * Connections to one peer, on which role and device are checked after TLS's own verification succeeded (it is never
 * switched off): addresses on a hotspot prove nothing, so no host name is compared.
 */
export function peerAgent(identity: Identity, admit: Admit, connections: number): Agent {
  return new Agent({
    connections,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
    connect: {
      secureContext: contextOf(identity),
      timeout: 5_000,
      // A resumed session would not ask checkServerIdentity again, and a peer revoked since would pass.
      maxCachedSessions: 0,
      checkServerIdentity: (_host, certificate) =>
        refusal(() => {
          const peer = readPeerUri(certificate.subjectaltname)
          checkPeerUri(peer, identity.study, admit)
        }),
    },
  })
}

const contexts = new WeakMap<Identity, SecureContext>()

/** A device's keys and certificates are read once, not for every connection. */
function contextOf(identity: Identity): SecureContext {
  const context = contexts.get(identity) ?? createSecureContext(tlsMaterial(identity))
  contexts.set(identity, context)
  return context
}

/** Admits only these roles. */
export function onlyRoles(...roles: Role[]): Admit {
  return (peer) => {
    if (!roles.includes(peer.role)) throw new WaybillError('ROLE_REFUSED', `a ${peer.role} may not do this`)
  }
}

function checkPeer(certificate: X509Certificate | undefined, study: string, admit: Admit): CertifiedPeer {
  return checkPeerUri(readPeerUri(certificate?.subjectAltName), study, admit)
}

function checkPeerUri(peer: CertifiedPeer | undefined, study: string, admit: Admit): CertifiedPeer {
  if (!peer) throw new WaybillError('CREDENTIAL_REFUSED', 'the certificate names no device')
  if (peer.study !== study) throw new WaybillError('STUDY_MISMATCH', `a device of study ${peer.study.slice(0, 8)}`)
  admit(peer)
  return peer
}

function refusal(check: () => void): Error | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
