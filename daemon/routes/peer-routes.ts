import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CertifiedPeer } from '../../shared/crypto/certificate.ts'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { Jws } from '../../shared/protocol/fields.ts'
import { HandoverExchange, maxExchangeBytes } from '../../shared/protocol/handover.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { addressOf } from '../../shared/transfer/peer-door.ts'
import type { PendingBatch, ServedFile } from '../pending.ts'

/** What the doors for relays and servers do; the verbs behind them. */
export interface PeerVerbs {
  meet(peer: CertifiedPeer, address: string, meeting: Meeting): Promise<Meeting>
  lines(): Iterable<string>
  manifests(carried: boolean, after: number, limit: number): Promise<PendingBatch[]>
  /** @throws NOT_FOUND where this disk lost it */
  payload(digest: string): Promise<ServedFile | undefined>
  takeCustody(peer: CertifiedPeer, receipts: string[]): Promise<number>
  handover(peer: CertifiedPeer, told: HandoverExchange): Promise<HandoverExchange>
}

const ManifestQuery = Type.Object(
  {
    carried: Type.Union([Type.Literal('true'), Type.Literal('false')]),
    after: Type.String({ pattern: '^\\d{1,15}$' }),
    limit: Type.String({ pattern: '^\\d{1,3}$' }),
  },
  { additionalProperties: false },
)
const Custody = Type.Object({ receipts: Type.Array(Jws, { maxItems: 500 }) }, { additionalProperties: false })
const Digest = Type.Object({ digest: Type.String({ pattern: '^[0-9a-f]{64}$' }) })
const ndjson = 'application/x-ndjson'

/** The doors of the field laptop, as PROTOCOL.md lists them. */
export function peerRoutes(door: FastifyInstance, verbs: PeerVerbs): void {
  door.post<{ Body: Meeting }>(paths.meeting, { schema: { body: Meeting } }, async (request) =>
    verbs.meet(request.peer, addressOf(request), request.body),
  )
  door.get(paths.lines, async (_request, reply) => reply.type(ndjson).send(Readable.from(verbs.lines())))
  door.get<{ Querystring: { carried: string; after: string; limit: string } }>(
    paths.manifests,
    { schema: { querystring: ManifestQuery } },
    async ({ query }, reply) => {
      const batches = await verbs.manifests(query.carried === 'true', Number(query.after), Number(query.limit))
      return reply.type(ndjson).send(batches.map((batch) => `${JSON.stringify(batch)}\n`).join(''))
    },
  )
  door.get<{ Params: { digest: string } }>(
    `${paths.payloads}/:digest`,
    { schema: { params: Digest } },
    async (request, reply) => {
      const payload = await verbs.payload(request.params.digest)
      if (!payload) throw new WaybillError('NOT_FOUND', 'no such payload is offered here')
      return sendPayload(request, reply, request.params.digest, payload)
    },
  )
  door.post<{ Body: { receipts: string[] } }>(paths.custody, { schema: { body: Custody } }, async (request) => ({
    taken: await verbs.takeCustody(request.peer, request.body.receipts),
  }))
  handoverRoute(door, verbs)
}

/** Only who drives takes tubes along. */
function handoverRoute(door: FastifyInstance, verbs: Pick<PeerVerbs, 'handover'>): void {
  door.post<{ Body: HandoverExchange }>(
    paths.handover,
    {
      bodyLimit: maxExchangeBytes,
      schema: { body: HandoverExchange },
      onRequest: async ({ peer }) => onlyRoles('relay')(peer),
    },
    async (request) => verbs.handover(request.peer, request.body),
  )
}

/** Range requests (RFC 9110 section 14): one open-ended range, honoured only for the same bytes. */
function sendPayload(request: FastifyRequest, reply: FastifyReply, digest: string, { path, size }: ServedFile) {
  const etag = `"${digest}"`
  const range = /^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  reply.header('etag', etag).header('accept-ranges', 'bytes').type('application/octet-stream')
  if (!range || request.headers['if-range'] !== etag || start >= size)
    return reply.header('content-length', size).send(createReadStream(path))
  reply
    .status(206)
    .header('content-range', `bytes ${start}-${size - 1}/${size}`)
    .header('content-length', size - start)
  return reply.send(createReadStream(path, { start }))
}
