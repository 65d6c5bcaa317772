import { timingSafeEqual } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
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

/** `POST /v1/changes` (NDJSON) and `GET /v1/status`. With a token, every request must bear it. */
export function localRoutes(api: FastifyInstance, token: string | null, verbs: LocalVerbs): void {
  if (token !== null)
    api.addHook('onRequest', async (request) => {
      if (!isBearer(request.headers.authorization, token))
        throw new WaybillError('NOT_SIGNED_IN', 'the token is missing or wrong')
    })
  api.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload))
  api.post('/v1/changes', { bodyLimit }, async (request) => verbs.record(request.body as Readable))
  api.get('/v1/status', async () => verbs.status())
}

function isBearer(header: string | undefined, token: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(header ?? '')), Buffer.from(sha256(`Bearer ${token}`)))
}
