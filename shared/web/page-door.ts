import { readdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { HandoverDesk } from '../handover/desk.ts'
import type { Clock } from '../service/clock.ts'
import { WaybillError } from '../service/errors.ts'
import type { Logger } from '../service/logger.ts'
import type { Changes } from './changes.ts'
import { serveCommandBarcodes } from './command-card.ts'
import { handoverRoutes } from './handover-routes.ts'
import { redeemLaunch } from './launch.ts'
import { type LiveSource, serveLive } from './live.ts'
import { english } from './messages/en.ts'
import { setswana } from './messages/tn.ts'
import { pageHeaders } from './page-headers.ts'
import { Sessions } from './sessions.ts'
import { strictFastify } from './strict-fastify.ts'

/** One program's page. */
export interface Page {
  data: string
  title: string
  /** The page's own script, a JavaScript module; those beside it are served too. */
  script: URL
  live: LiveSource
  /** Where tubes change hands: the program's desk, and what tells that something in a handover has changed. */
  handover?: { desk: HandoverDesk; changes: Changes }
  /** Words that nobody who speaks the language has reviewed: for tests and demonstrations. No setting selects them. */
  unreviewedWords?: 'tn'
  clock: Clock
  logger: Logger
}

const javascript = 'text/javascript; charset=utf-8'
const assets = new URL('./assets/', import.meta.url)
const Launch = Type.Object({ launch: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }, { additionalProperties: false })

/**
 * The door of a program's page: loopback only, exact Host, port and Origin; a one-time launch token buys a bearer that the page
 * holds (no cookie: cookies ignore ports). The page itself holds no data and no secret (house rule 13). It never listens.
 */
export function createPageDoor(page: Page): FastifyInstance {
  const door = strictFastify(page.logger, { bodyLimit: 65_536 })
  const sessions = new Sessions()
  door.addHook('onRequest', async (request, reply) => {
    reply.headers(pageHeaders)
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
  if (page.handover) {
    handoverRoutes(door, page.handover.desk)
    serveCommandBarcodes(door)
  }
  serveLive(door, liveOf(page), page.clock)
  return door
}

/** The picture says only that something in a handover has changed: its lines are asked for by the page that shows them. */
function liveOf({ live, handover }: Page): LiveSource {
  if (!handover) return live
  let change = 0
  handover.changes.onChange(() => {
    change += 1
  })
  return {
    snapshot: () => ({ ...(live.snapshot() as object), handover: { side: handover.desk.side, change } }),
    onChange: (listener) => {
      const stops = [live.onChange(listener), handover.changes.onChange(listener)]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}

function servePage(door: FastifyInstance, page: Page): void {
  const language = page.unreviewedWords ?? 'en'
  const words = page.unreviewedWords ? { ...english, ...setswana } : english
  const html = (script: string) =>
    readFileSync(new URL('page.html', assets), 'utf8')
      .replaceAll('{title}', page.title)
      .replace('lang="en"', `lang="${language}"`)
      .replaceAll('{script}', script)
  const files: Array<[path: string, type: string, body: Buffer | string]> = [
    ['/', 'text/html; charset=utf-8', html('/page.js')],
    ...(page.handover ? [['/card', 'text/html; charset=utf-8', html('/card.js')] as [string, string, string]] : []),
    ...filesIn(assets, '.css', 'text/css; charset=utf-8'),
    ...filesIn(assets, '.js', javascript),
    ...filesIn(new URL('.', page.script), '.js', javascript),
    ['/messages.json', 'application/json; charset=utf-8', JSON.stringify(words)],
  ]
  for (const [path, type, body] of files) door.get(path, async (_request, reply) => reply.type(type).send(body))
}

function filesIn(directory: URL, end: string, type: string): Array<[path: string, type: string, body: Buffer]> {
  const names = readdirSync(directory).filter((name) => name.endsWith(end))
  return names.map((name) => [`/${name}`, type, readFileSync(new URL(name, directory))])
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
