import type { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { CertifiedPeer } from '../crypto/certificate.ts'
import type { Identity } from '../crypto/identity.ts'
import { type Admit, peerOf, tlsMaterial } from '../crypto/mutual-tls.ts'
import { batchesType } from '../protocol/batch-frame.ts'
import { maxMeetingBytes } from '../protocol/meeting.ts'
import type { Logger } from '../service/logger.ts'
import { strictFastify } from '../web/strict-fastify.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, after TLS and this node's own admission. */
    peer: CertifiedPeer
  }
}

/** A door for peers: mutual TLS 1.3, and every request admitted by role, device and standing (invariant 7). */
export function createPeerDoor(identity: Identity, admit: Admit, logger: Logger): FastifyInstance {
  const https = { ...tlsMaterial(identity), requestCert: true, rejectUnauthorized: true }
  const door = strictFastify(logger, { https, bodyLimit: maxMeetingBytes })
  admitPeers(door, identity.study, admit)
  door.server.on('tlsClientError', (error: Error, socket: TLSSocket) =>
    logger.info(
      { code: 'CREDENTIAL_REFUSED', peer: socket.remoteAddress, reason: error.message },
      'a connection was refused',
    ),
  )
  return door
}

/** Admits each request's peer before its body is read, and gives batches on as they come. */
export function admitPeers(door: FastifyInstance, study: string, admit: Admit): void {
  door.decorateRequest('peer', null as unknown as CertifiedPeer)
  door.addHook('onRequest', async (request: FastifyRequest) => {
    request.peer = peerOf(request.raw.socket as TLSSocket, study, admit)
  })
  door.addContentTypeParser(batchesType, (_request, body, done) => done(null, body))
}

/** The address a request came from, without the IPv6 spelling of IPv4. */
export function addressOf(request: FastifyRequest): string {
  return (request.raw.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
}
