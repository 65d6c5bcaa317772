import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { Static, TSchema } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import type { Agent, Dispatcher } from 'undici'
import type { CertifiedPeer } from '../crypto/certificate.ts'
import type { Identity } from '../crypto/identity.ts'
import type { Admit } from '../crypto/mutual-tls.ts'
import { asWaybillError, type ErrorCode, isErrorCode, WaybillError } from '../service/errors.ts'
import { peerAgent } from './peer-agent.ts'

/** Where a peer may be, and who may answer there. */
export interface PeerAddress {
  identity: Identity
  host: string
  port: number
  admit: Admit
  /** Connections at once; 1 unless told. */
  connections?: number
}

/** A request, without where it goes. */
type Asked = Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body'>

const maxErrorBytes = 65_536

/** Talks to one peer over mutual TLS. Everything that it answers is limited in size and checked against a schema. */
export class PeerClient {
  readonly #agent: Agent
  readonly #origin: string
  #peer: CertifiedPeer | undefined

  constructor({ identity, host, port, admit, connections = 1 }: PeerAddress) {
    this.#origin = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
    const remember: Admit = (peer) => {
      if (this.#peer && this.#peer.device !== peer.device)
        throw new WaybillError('CREDENTIAL_REFUSED', 'another device answers at this address')
      admit(peer)
      this.#peer = peer
    }
    this.#agent = peerAgent(identity, remember, connections)
  }

  /** Who answered; undefined before the first connection. */
  get peer(): CertifiedPeer | undefined {
    return this.#peer
  }

  /**
   * One request with JSON both ways.
   * @param body what is said, or what makes it when it is known who answers
   * @throws what the peer answered, PEER_UNREACHABLE, TOO_LARGE, BAD_DOCUMENT
   */
  async json<T extends TSchema>(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    schema: T,
    maxBytes: number,
  ): Promise<Static<T>> {
    const sent = body === undefined ? {} : jsonBody(body)
    const text = await readText(await this.#request(path, { method, ...sent }), maxBytes)
    return parse(text, schema, path)
  }

  /** A list as NDJSON. @throws as `json` */
  async lines<T extends TSchema>(path: string, schema: T, maxBytes: number): Promise<Static<T>[]> {
    const text = await readText(await this.#request(path, { method: 'GET' }), maxBytes)
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parse(line, schema, path))
  }

  /**
   * The bytes that are answered, as they come.
   * @param came is told how many did each time; what it throws ends the answer
   * @throws as `json`
   */
  async stream(path: string, body: unknown, came?: (bytes: number) => void): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#request(path, { method: 'POST', ...jsonBody(body) })
    return wrapBody(response.body, came)
  }

  /** Sends bytes as they are made. @throws as `json` */
  async send<T extends TSchema>(
    path: string,
    type: string,
    bytes: AsyncIterable<Uint8Array>,
    schema: T,
    maxBytes: number,
  ): Promise<Static<T>> {
    const sent = { body: Readable.from(bytes), headers: { 'content-type': type } }
    const text = await readText(await this.#request(path, { method: 'POST', ...sent }), maxBytes)
    return parse(text, schema, path)
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  /** Nothing is followed elsewhere, and no encoding is asked for or undone. */
  async #request(path: string, asked: Asked): Promise<Dispatcher.ResponseData> {
    let response: Dispatcher.ResponseData
    // A connection is free again a turn after its answer ended: who asked at once would open another one.
    await turn()
    try {
      response = await this.#agent.request({ origin: this.#origin, path, ...asked })
    } catch (error) {
      throw connectionError(error)
    }
    if (response.statusCode < 200 || response.statusCode > 299) throw await remoteError(response)
    return response
  }
}

function jsonBody(body: unknown): Pick<Asked, 'body' | 'headers'> {
  const made = typeof body === 'function' ? Readable.from(textOf(body as () => unknown)) : JSON.stringify(body)
  return { body: made, headers: { 'content-type': 'application/json' } }
}

/** Asked for when the connection stands. */
async function* textOf(make: () => unknown): AsyncIterable<Uint8Array> {
  yield Buffer.from(JSON.stringify(await make()))
}

async function readText({ body }: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of wrapBody(body)) {
    size += chunk.length
    if (size > maxBytes) throw new WaybillError('TOO_LARGE', `the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function* wrapBody(
  body: AsyncIterable<Uint8Array>,
  came: (bytes: number) => void = () => undefined,
): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) {
      came(chunk.length)
      yield chunk
    }
  } catch (error) {
    throw connectionError(error)
  }
}

function parse<T extends TSchema>(text: string, schema: T, path: string): Static<T> {
  let value: unknown
  try {
    value = text === '' ? null : JSON.parse(text)
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', `${path}: the answer is not JSON`, { cause })
  }
  const check = checkOf(schema)
  if (check.Check(value)) return value
  const first = check.Errors(value).First()
  throw new WaybillError('BAD_DOCUMENT', `${path}: ${first?.path} ${first?.message}`)
}

const checks = new WeakMap<TSchema, TypeCheck<TSchema>>()

/** Thousands of lines are of one schema: it is compiled once. */
function checkOf<T extends TSchema>(schema: T): TypeCheck<T> {
  const check = checks.get(schema) ?? TypeCompiler.Compile(schema)
  checks.set(schema, check)
  return check as TypeCheck<T>
}

async function remoteError(response: Dispatcher.ResponseData): Promise<WaybillError> {
  const text = await readText(response, maxErrorBytes).catch(() => '')
  const told = readTold(text)
  if (told) return new WaybillError(told.code, `the other side says: ${told.message}`)
  return new WaybillError('PEER_UNREACHABLE', `the other side answered ${response.statusCode}`)
}

function readTold(text: string): { code: ErrorCode; message: string } | undefined {
  try {
    const { code, message } = JSON.parse(text)
    if (isErrorCode(code)) return { code, message: String(message).slice(0, 500) }
  } catch {}
  return undefined
}

function connectionError(error: unknown): WaybillError {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof WaybillError) return cause
  const reason = asWaybillError(error instanceof Error && error.cause ? error.cause : error)
  // OpenSSL's names of what is wrong with a certificate (verify(1)), as Node gives them.
  const { code } = (reason.cause ?? {}) as { code?: unknown }
  const isRefused = /CERT|SIGNATURE|ISSUER/.test(String(code ?? ''))
  return new WaybillError(isRefused ? 'CREDENTIAL_REFUSED' : 'PEER_UNREACHABLE', reason.message, { cause: error })
}
