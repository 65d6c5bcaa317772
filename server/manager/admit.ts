import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { WaybillError } from '../../shared/service/errors.ts'
import type { Account } from '../accounts.ts'
import type { PeopleSessions } from '../people-sessions.ts'
import { type Right, requireRight } from '../rights.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is signed in on the page that asks. */
    account: Account
  }
  interface FastifyContextConfig {
    /** What the account needs; `open` lets in whoever comes. A door of the page without it cannot be made. */
    right?: Right | 'open'
    /** The page asks this by itself: it keeps no session open. */
    byItself?: boolean
  }
}

/**
 * Lets nobody in whose account may not do what the door does: each says what it needs, and is checked here, before its body is read. Host is
 * a name of this server, and what is no plain question comes from its own page.
 * @param certificate what the HTTPS door shows now
 */
export function admitPeople(scope: FastifyInstance, sessions: PeopleSessions, certificate: () => string): void {
  scope.decorateRequest('account', null as unknown as Account)
  scope.addHook('onRoute', ({ url, config }) => {
    if (config?.right === undefined) throw new Error(`${url} does not say who may ask`)
  })
  scope.addHook('onRequest', async (request) => {
    checkHost(request, certificate())
    const { right, byItself } = request.routeOptions.config
    if (right === undefined || right === 'open') return
    request.account = sessions.require(request.headers.authorization, byItself !== true)
    requireRight(request.account, right)
  })
}

/** @throws FOREIGN_ORIGIN */
function checkHost({ method, headers: { host, origin } }: FastifyRequest, certificate: string): void {
  const name = (host ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1')
  const leaf = new X509Certificate(certificate)
  const isOwn = isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)
  if (isOwn === undefined) throw new WaybillError('FOREIGN_ORIGIN', 'the Host is no name of this server')
  if (method !== 'GET' && method !== 'HEAD' && origin === undefined)
    throw new WaybillError('FOREIGN_ORIGIN', 'the Origin is not this page')
}
