import { timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sha256 } from '../../shared/crypto/digest.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import type { Recorded } from '../outbox.ts'
import type { DaemonStatus } from '../status.ts'

/** What the local API does. */
export interface LocalVerbs {
  record(body: AsyncIterable<Uint8Array>): Promise<Recorded>
  status(): DaemonStatus
}

const bodyLimit = 1024 * 1024 * 1024

/**
 * `POST /v1/changes` (NDJSON, or the array that `dumpdata` writes; never read whole into memory) and `GET /v1/status`. With a
 * token, every request must bear it and name this laptop's loopback.
 */
export function localRoutes(api: FastifyInstance, token: string | null, verbs: LocalVerbs): void {
  if (token !== null)
    api.addHook('onRequest', async (request) => {
      if (!isOwnHost(request)) throw new WaybillError('NOT_LOCAL', 'the Host is not this program')
      if (!isBearer(request.headers.authorization, token))
        throw new WaybillError('NOT_SIGNED_IN', 'the token is missing or wrong')
    })
  api.removeAllContentTypeParsers()
  api.addContentTypeParser(['application/x-ndjson', 'application/json'], (_request, payload, done) =>
    done(null, payload),
  )
  api.post('/v1/changes', { bodyLimit }, async (request) => {
    if (!(request.body instanceof Readable))
      throw new WaybillError('BAD_REQUEST', 'the body is no application/x-ndjson and no application/json')
    return verbs.record(request.body)
  })
  api.get('/v1/status', async () => verbs.status())
}

/** A name of another site that was made to point here must not reach this laptop's data. */
function isOwnHost(request: FastifyRequest): boolean {
  const { port } = request.server.server.address() as AddressInfo
  return [`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? '')
}

function isBearer(header: string | undefined, token: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(header ?? '')), Buffer.from(sha256(`Bearer ${token}`)))
}
