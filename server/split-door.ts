import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Identity } from '../shared/crypto/identity.ts'
import { tlsMaterial } from '../shared/crypto/mutual-tls.ts'
import { paths } from '../shared/protocol/paths.ts'

const headersTimeoutMs = 15_000
const mostStrangers = 32

/**
 * One port, two programs behind it. A connection whose certificate Node's own verification found good reaches the device door; any
 * other reaches the enrolment door, or is closed without an answer. No verification error is ever forgiven: there is
 * no third case. `rejectUnauthorized` is off only so that a device without a certificate can ask for one.
 */
export function createSplitServer(identity: Identity, devices: FastifyInstance, enrolment: FastifyInstance): Server {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    if ((request.socket as TLSSocket).authorized === true) devices.routing(request, response)
    else if (request.method === 'POST' && request.url === paths.enrolment) enrolment.routing(request, response)
    else request.socket.destroy()
  }
  // A device without an identity has not seen the authority's certificate: it compares it with the pin in its code.
  const cert = identity.certificate + identity.issuerCertificate + identity.authorityCertificate
  const server = createServer({ ...tlsMaterial(identity), cert, requestCert: true, rejectUnauthorized: false }, handle)
  server.headersTimeout = headersTimeoutMs
  limitStrangers(server)
  return server
}

/** Strangers cannot keep the enrolled out by holding connections open. */
function limitStrangers(server: Server): void {
  const strangers = new Set<TLSSocket>()
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.authorized) return
    strangers.add(socket)
    socket.once('close', () => strangers.delete(socket))
    const [oldest] = strangers
    if (strangers.size > mostStrangers) oldest?.destroy()
  })
}
