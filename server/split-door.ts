import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Identity } from '../shared/crypto/identity.ts'
import { tlsMaterial } from '../shared/crypto/mutual-tls.ts'
import { paths } from '../shared/protocol/paths.ts'
import type { Logger } from '../shared/service/logger.ts'

const headersTimeoutMs = 15_000
const handshakeTimeoutMs = 10_000
const mostStrangers = 128

/** The server, and what ends the connections that an HTTP server does not know of. */
export interface SplitServer {
  server: Server
  dropStrangers(): void
}

/**
 * One port, two programs behind it. A connection whose certificate Node's own verification found good reaches the device door; any
 * other reaches the enrolment door, or is closed without an answer. No verification error is ever forgiven: there is
 * no third case. `rejectUnauthorized` is off only so that a device without a certificate can ask for one.
 */
export function createSplitServer(
  identity: Identity,
  devices: FastifyInstance,
  enrolment: FastifyInstance,
  logger: Logger,
): SplitServer {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    if (isEnrolled(request.socket)) devices.routing(request, response)
    else if (request.method === 'POST' && request.url === paths.enrolment) enrolment.routing(request, response)
    else request.socket.destroy()
  }
  // A device without an identity has not seen the authority's certificate: it compares it with the pin in its code.
  const cert = identity.certificate + identity.issuerCertificate + identity.authorityCertificate
  const server = createServer(
    {
      ...tlsMaterial(identity),
      cert,
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      requireHostHeader: false,
    },
    handle,
  )
  server.headersTimeout = headersTimeoutMs
  silenceForStrangers(server, handle)
  logRefusals(server, logger)
  return { server, dropStrangers: limitStrangers(server) }
}

function isEnrolled(socket: Duplex): boolean {
  return (socket as TLSSocket).authorized === true
}

/** The one who was refused sees a connection that breaks: the reason stands here, for whoever is called. */
function logRefusals(server: Server, logger: Logger): void {
  const refused = (peer: string | undefined, reason: string) =>
    logger.info({ code: 'CREDENTIAL_REFUSED', peer, reason }, 'a connection was refused')
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => refused(socket.remoteAddress, error.message))
  server.on('secureConnection', (socket: TLSSocket) => {
    const hasShown = socket.getPeerX509Certificate() !== undefined
    if (hasShown && !isEnrolled(socket)) refused(socket.remoteAddress, String(socket.authorizationError))
  })
}

/** Node answers what is no HTTP, what names no host, and what waits for "100 Continue", by itself: not to a stranger (invariant 7). */
function silenceForStrangers(
  server: Server,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.on('clientError', (_error, socket) => {
    if (isEnrolled(socket) && socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else socket.destroy()
  })
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (isEnrolled(request.socket)) response.writeContinue()
    handle(request, response)
  })
  server.on('checkExpectation', handle)
}

/**
 * Strangers cannot keep the enrolled out by holding connections open: the oldest gives way, whether it has shown a certificate
 * yet or not. @returns what drops them all
 */
function limitStrangers(server: Server): () => void {
  const strangers = new Map<string, Socket>()
  const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket)
    strangers.set(name, socket)
    socket.once('close', () => strangers.get(name) === socket && strangers.delete(name))
    const [oldest] = strangers.values()
    if (strangers.size > mostStrangers) oldest?.destroy()
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    if (isEnrolled(socket)) strangers.delete(nameOf(socket))
  })
  return () => {
    for (const socket of strangers.values()) socket.destroy()
  }
}
