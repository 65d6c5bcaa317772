import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { Agent, buildConnector } from 'undici'
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
    connect: connectorOf(identity, admit),
  })
}

/** On each connection it is decided anew who is admitted, on a resumed one too: a peer may have been revoked since. */
function connectorOf(identity: Identity, admit: Admit): buildConnector.connector {
  const sessions = sessionsOf(identity)
  return (where, connected) => {
    const place = `${where.hostname}:${where.port}`
    const held = sessions.get(place)
    const connect = buildConnector({
      ...{ secureContext: contextOf(identity), timeout: 5_000, maxCachedSessions: 0 },
      ...{ checkServerIdentity: () => undefined, ...(held && { session: held.ticket }) },
    })
    connect(where, (error, socket) => {
      if (error) return connected(error, null)
      try {
        const peer = peerOf(socket as TLSSocket, identity.study, admit, held?.peer)
        socket.on('session', (ticket: Buffer) => keep(sessions, place, { ticket, peer }))
      } catch (refused) {
        socket.destroy()
        return connected(refused as Error, null)
      }
      return connected(null, socket)
    })
  }
}

/** With it the next handshake is a short one (RFC 8446, section 2.2); the other end shows no certificate then, but proves to be the same. */
interface Session {
  ticket: Buffer
  peer: CertifiedPeer
}

/** So many places are remembered, those that were met last. */
const mostSessions = 256
const sessionsByIdentity = new WeakMap<Identity, Map<string, Session>>()

/** The session of the last connection to each place. */
function sessionsOf(identity: Identity): Map<string, Session> {
  const sessions = sessionsByIdentity.get(identity) ?? new Map<string, Session>()
  sessionsByIdentity.set(identity, sessions)
  return sessions
}

function keep(sessions: Map<string, Session>, place: string, session: Session): void {
  sessions.delete(place)
  sessions.set(place, session)
  const [oldest] = sessions.keys()
  if (oldest !== undefined && sessions.size > mostSessions) sessions.delete(oldest)
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
