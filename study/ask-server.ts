import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { Value } from '@sinclair/typebox/value'
import { Agent, fetch } from 'undici'
import { readPeerUri } from '../shared/crypto/certificate.ts'
import type { DeviceSecrets } from '../shared/crypto/identity.ts'
import { studyIdOf } from '../shared/crypto/keys.ts'
import type { EnrolCode } from '../shared/protocol/enrol-code.ts'
import { EnrolmentAnswer } from '../shared/protocol/enrolment.ts'
import { paths } from '../shared/protocol/paths.ts'
import { asWaybillError, isErrorCode, WaybillError } from '../shared/service/errors.ts'
import { makeRequest } from './device-secrets.ts'

const timeoutMs = 10_000
const longestAnswerBytes = 16 * 1024 * 1024
const longestChain = 5

/**
 * Asks a server to add this device. The server first shows a chain that ends in the authority's key; only when that is the one
 * that the code pins is a second connection made, verified under it, on which the secret is sent.
 * @param address HOST:PORT
 * @throws PIN_MISMATCH, CODE_REFUSED, PEER_UNREACHABLE, BAD_DOCUMENT, and BAD_ARGUMENT for what is no address
 */
export async function askServer(address: string, code: EnrolCode, secrets: DeviceSecrets): Promise<EnrolmentAnswer> {
  const { host, port } = readAddress(address)
  const authority = await shownAuthority(host, port)
  if (authority === undefined || studyOf(authority) !== code.study)
    throw new WaybillError('PIN_MISMATCH', `${address} is not of the study that the code names`)
  const agent = pinnedAgent(authority, code.study)
  try {
    const body = JSON.stringify(await makeRequest(secrets, code.secret))
    const headers = { 'content-type': 'application/json' }
    const url = `https://${address}${paths.enrolment}`
    const response = await fetch(url, { method: 'POST', body, headers, dispatcher: agent, redirect: 'error' })
    return readAnswer(response.ok, await response.text())
  } catch (error) {
    if (error instanceof WaybillError) throw error
    throw unreachable(address, error)
  } finally {
    await agent.destroy()
  }
}

function readAddress(address: string): { host: string; port: number } {
  const url = URL.parse(`https://${address}`)
  if (!url || url.host === '' || url.pathname + url.search + url.hash + url.username !== '/')
    throw new WaybillError('BAD_ARGUMENT', `${address} is no address of a server; it is HOST:PORT`)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443) }
}

/** The last certificate of the chain that a server shows. Nothing is sent to it, and nothing is believed yet. */
async function shownAuthority(host: string, port: number): Promise<X509Certificate | undefined> {
  const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', timeout: timeoutMs })
  socket.once('timeout', () => socket.destroy(new Error('no answer')))
  try {
    await once(socket, 'secureConnect')
    let certificate = socket.getPeerCertificate(true)
    for (let depth = 0; depth < longestChain; depth += 1) {
      const { issuerCertificate } = certificate
      if (!issuerCertificate || issuerCertificate.fingerprint256 === certificate.fingerprint256) break
      certificate = issuerCertificate
    }
    return certificate.raw && new X509Certificate(certificate.raw)
  } catch (error) {
    throw unreachable(`${host}:${port}`, error)
  } finally {
    socket.destroy()
  }
}

/** The study of which the certificate's key is the authority's; undefined where it is a key of another kind. */
function studyOf({ publicKey }: X509Certificate): string | undefined {
  return publicKey.asymmetricKeyType === 'ed25519'
    ? studyIdOf(String(publicKey.export({ format: 'jwk' }).x))
    : undefined
}

/** Verified by TLS itself under the pinned authority; then study and role, as with every peer. */
function pinnedAgent(authority: X509Certificate, study: string): Agent {
  const checkServerIdentity = (_host: string, { subjectaltname }: { subjectaltname?: string }) => {
    const peer = readPeerUri(subjectaltname)
    const isServer = peer?.study === study && (peer.role === 'server' || peer.role === 'central')
    return isServer ? undefined : new WaybillError('ROLE_REFUSED', 'who answers is no server of the study')
  }
  const connectOptions = { ca: authority.toString(), minVersion: 'TLSv1.3' as const, timeout: timeoutMs }
  const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxResponseSize: longestAnswerBytes }
  return new Agent({ ...limits, connect: { ...connectOptions, checkServerIdentity } })
}

function readAnswer(isOk: boolean, text: string): EnrolmentAnswer {
  const answer: unknown = parse(text)
  if (isOk && Value.Check(EnrolmentAnswer, answer)) return answer
  const { code, message } = (answer ?? {}) as { code?: unknown; message?: unknown }
  if (!isOk && isErrorCode(code)) throw new WaybillError(code, `the server says: ${String(message).slice(0, 500)}`)
  throw new WaybillError('BAD_DOCUMENT', 'the server did not answer as a Waybill server does')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable(address: string, error: unknown): WaybillError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof WaybillError) return cause
  return new WaybillError('PEER_UNREACHABLE', `${address}: ${asWaybillError(cause).message}`, { cause })
}
