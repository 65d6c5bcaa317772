import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import type { CertifiedPeer } from '../crypto/certificate.ts'
import type { Identity } from '../crypto/identity.ts'
import { type Admit, peerOf, tlsMaterial } from '../crypto/mutual-tls.ts'

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
