// @ts-check
/** A client of the local API of `waybill daemon`, for apps in Node. Plain JavaScript: Node strips no types under node_modules. */

import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const [mostChanges, mostBytes] = [500, 1024 * 1024]
const mostAnswered = 64 * 1024 * 1024
const longestSilenceMs = 60_000
const [shortestPauseMs, longestPauseMs] = [100, 2_000]

/** What the program refused, or that it does not answer. */
export class WaybillClientError extends Error {
  /** @param {string} code @param {string} message @param {{ hint?: string, cause?: unknown }} [more] */
  constructor(code, message, { hint = '', cause } = {}) {
    super(message, { cause })
    this.name = 'WaybillClientError'
    this.code = code
    this.hint = hint
  }
}

/** @param {import('./index.d.ts').ClientOptions} options */
export function openClient(options) {
  return new WaybillClient(options)
}

class WaybillClient {
  #data
  #socket
  #patienceMs

  /** @param {import('./index.d.ts').ClientOptions} options */
  constructor({ data, socket, patienceMs = 30_000 }) {
    this.#data = data
    this.#socket = socket ?? join(data, 'daemon.sock')
    this.#patienceMs = patienceMs
  }

  /** @param {Iterable<unknown> | AsyncIterable<unknown>} changes @param {{ signal?: AbortSignal }} [options] */
  async record(changes, { signal } = {}) {
    const recorded = { accepted: 0, known: 0, refused: /** @type {any[]} */ ([]) }
    for await (const { lines, first } of inParts(changes)) {
      const told = await this.#patiently('POST', '/v1/changes', lines.join(''), signal)
      recorded.accepted += told.accepted
      recorded.known += told.known
      for (const refused of told.refused) recorded.refused.push({ ...refused, line: refused.line + first })
    }
    return recorded
  }

  /** @param {{ signal?: AbortSignal }} [options] */
  status({ signal } = {}) {
    return this.#patiently('GET', '/v1/status', undefined, signal)
  }

  /**
   * Asks again while the program does not answer: it may be starting. What it had recorded before the answer was lost it knows.
   * @param {string} method @param {string} path @param {string | undefined} body @param {AbortSignal | undefined} signal
   */
  async #patiently(method, path, body, signal) {
    const deadline = performance.now() + this.#patienceMs
    for (let pauseMs = shortestPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      signal?.throwIfAborted()
      try {
        return await ask(this.#where(), method, path, body, signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof WaybillClientError && !isPassing(error)) throw error
        if (performance.now() + pauseMs > deadline) throw notRunning(error)
      }
      await pause(pauseMs, undefined, signal ? { signal } : {})
    }
  }

  /** Looked up at each asking: a program that was started anew has another port and another token. */
  #where() {
    if (existsSync(this.#socket)) return { socketPath: this.#socket }
    const { ports } = JSON.parse(readFileSync(join(this.#data, 'runtime.json'), 'utf8'))
    const token = readFileSync(join(this.#data, 'api-token'), 'utf8')
    return { host: '127.0.0.1', port: ports.apiPort, headers: { authorization: `Bearer ${token}` } }
  }
}

/** The token was of the program that ran before. @param {WaybillClientError} error */
function isPassing({ code }) {
  return code === 'NOT_SIGNED_IN' || code === 'NOT_LOCAL'
}

/** @param {unknown} cause */
function notRunning(cause) {
  if (cause instanceof WaybillClientError) return cause
  const hint = 'Start waybill daemon on this data directory.'
  return new WaybillClientError('NOT_RUNNING', 'waybill daemon does not answer', { hint, cause })
}

/**
 * Parts that are given again as a whole, and are no larger than memory bears. `first` is how many came before.
 * @param {Iterable<unknown> | AsyncIterable<unknown>} changes
 */
async function* inParts(changes) {
  /** @type {string[]} */
  let lines = []
  let [bytes, first] = [0, 0]
  for await (const change of changes) {
    const line = lineOf(change)
    if (lines.length >= mostChanges || (lines.length > 0 && bytes + line.length > mostBytes)) {
      yield { lines, first }
      first += lines.length
      lines = []
      bytes = 0
    }
    lines.push(line)
    bytes += line.length
  }
  if (lines.length > 0) yield { lines, first }
}

/** @param {unknown} change */
function lineOf(change) {
  if (typeof change !== 'object' || change === null) throw new TypeError('a change is an object')
  return `${JSON.stringify(change, exactly)}\n`
}

/** JSON has no such number, and would say null. @param {string} name @param {unknown} value */
function exactly(name, value) {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${name} is ${value}: JSON has no such number`)
  return value
}

/**
 * @param {object} where @param {string} method @param {string} path @param {string | undefined} body
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<any>}
 */
function ask(where, method, path, body, signal) {
  return new Promise((resolve, reject) => {
    const headers = { ...where.headers, ...(body === undefined ? {} : { 'content-type': 'application/x-ndjson' }) }
    const asking = request({ ...where, method, path, headers, agent: false, ...(signal ? { signal } : {}) })
    asking.setTimeout(longestSilenceMs, () => asking.destroy(new Error('no answer')))
    asking.once('error', reject)
    asking.once('response', (answer) => {
      answered(answer).then(resolve, reject)
    })
    asking.end(body)
  })
}

/** @param {import('node:http').IncomingMessage} answer */
async function answered(answer) {
  const parts = []
  let size = 0
  for await (const part of answer) {
    size += part.length
    if (size > mostAnswered) throw new WaybillClientError('TOO_LARGE', 'the answer is too large')
    parts.push(part)
  }
  const told = JSON.parse(Buffer.concat(parts).toString('utf8'))
  if (answer.statusCode === 200) return told
  throw new WaybillClientError(told.code ?? 'UNEXPECTED', told.message ?? `status ${answer.statusCode}`, told)
}
