import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../service/clock.ts'
import { WaybillError } from '../service/errors.ts'
import type { Logger } from '../service/logger.ts'
import { redeemLaunch } from './launch.ts'
import { type LiveSource, serveLive } from './live.ts'
import { english } from './messages/en.ts'
import { Sessions } from './sessions.ts'
import { strictFastify } from './strict-fastify.ts'

/** One program's page. */
export interface Page {
  data: string
  title: string
  /** The page's own script, a JavaScript module. */
  script: URL
  live: LiveSource
  clock: Clock
  logger: Logger
}

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const javascript = 'text/javascript; charset=utf-8'
const scripts = ['frame.js', 'parts.js', 'elements.js', 'words.js']
const Launch = Type.Object({ launch: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }, { additionalProperties: false })

/**
 * The door of a program's page: loopback only, exact Host, port and Origin; a one-time launch token buys a bearer that the page
 * holds (no cookie: cookies ignore ports). The page itself holds no data and no secret (house rule 13). It never listens.
 */
export function createPageDoor(page: Page): FastifyInstance {
  const door = strictFastify(page.logger, { bodyLimit: 65_536 })
  const sessions = new Sessions()
  door.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
    })
    checkLocal(request)
    const open = request.method === 'GET' && !request.url.startsWith('/v1/')
    if (!open && request.url !== '/v1/session' && !sessions.has(request.headers.authorization))
      throw new WaybillError('NOT_SIGNED_IN', 'this page is not signed in')
  })
  door.post<{ Body: { launch: string } }>('/v1/session', { schema: { body: Launch } }, async (request) => {
    if (!(await redeemLaunch(page.data, request.body.launch, page.clock.now())))
      throw new WaybillError('NOT_SIGNED_IN', 'this launch link was used or is too old')
    return { bearer: sessions.open() }
  })
  servePage(door, page)
  serveLive(door, page.live, page.clock)
  return door
}

function servePage(door: FastifyInstance, page: Page): void {
  const asset = (name: string) => readFileSync(new URL(`./assets/${name}`, import.meta.url))
  const files: Array<[path: string, type: string, body: Buffer | string]> = [
    ['/', 'text/html; charset=utf-8', asset('page.html').toString().replaceAll('{title}', page.title)],
    ['/frame.css', 'text/css; charset=utf-8', asset('frame.css')],
    ...scripts.map((name): [string, string, Buffer] => [`/${name}`, javascript, asset(name)]),
    ['/page.js', javascript, readFileSync(page.script)],
    ['/messages.json', 'application/json; charset=utf-8', JSON.stringify(english)],
  ]
  for (const [path, type, body] of files) door.get(path, async (_request, reply) => reply.type(type).send(body))
}

/** Another site's page, or a name that points here, must not reach this laptop's data. */
function checkLocal(request: FastifyRequest): void {
  const { port } = request.server.server.address() as AddressInfo
  const own = [`127.0.0.1:${port}`, `localhost:${port}`]
  const { host, origin } = request.headers
  if (!own.includes(host ?? '')) throw new WaybillError('NOT_LOCAL', 'the Host is not this program')
  const foreign = origin !== undefined && !own.some((name) => origin === `http://${name}`)
  if (foreign || (request.method !== 'GET' && origin === undefined))
    throw new WaybillError('NOT_LOCAL', 'the Origin is not this page')
}
