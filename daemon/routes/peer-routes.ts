import { Readable } from 'node:stream'
import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { CertifiedPeer } from '../../shared/crypto/certificate.ts'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { Jws } from '../../shared/protocol/fields.ts'
import { HandoverExchange, maxExchangeBytes } from '../../shared/protocol/handover.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { PayloadRequest, payloadsType } from '../../shared/protocol/payload-frame.ts'
import { addressOf } from '../../shared/transfer/peer-door.ts'
import type { PendingBatch, PendingQuery } from '../pending.ts'

/** What the doors for relays and servers do; the verbs behind them. */
export interface PeerVerbs {
  meet(peer: CertifiedPeer, address: string, meeting: Meeting): Promise<Meeting>
  lines(): Iterable<string>
  manifests(query: PendingQuery): Promise<PendingBatch[]>
  /** Each payload's head line, and its bytes; only the head line of what is not offered, or was lost by this disk. */
  payloads(asked: PayloadRequest): AsyncIterable<Uint8Array>
  takeCustody(peer: CertifiedPeer, receipts: string[]): Promise<number>
  handover(peer: CertifiedPeer, told: HandoverExchange): Promise<HandoverExchange>
}

const Position = Type.String({ pattern: '^\\d{1,15}$' })
const ManifestQuery = Type.Object(
  { after: Position, carriedAfter: Position, limit: Type.String({ pattern: '^\\d{1,3}$' }) },
  { additionalProperties: false },
)
const Custody = Type.Object({ receipts: Type.Array(Jws, { maxItems: 500 }) }, { additionalProperties: false })
const ndjson = 'application/x-ndjson'

/** The doors of the field laptop, as PROTOCOL.md lists them. */
export function peerRoutes(door: FastifyInstance, verbs: PeerVerbs): void {
  door.post<{ Body: Meeting }>(paths.meeting, { schema: { body: Meeting } }, async (request) =>
    verbs.meet(request.peer, addressOf(request), request.body),
  )
  door.get(paths.lines, async (_request, reply) => reply.type(ndjson).send(Readable.from(verbs.lines())))
  door.get<{ Querystring: Static<typeof ManifestQuery> }>(
    paths.manifests,
    { schema: { querystring: ManifestQuery } },
    async ({ query: { after, carriedAfter, limit } }, reply) => {
      const batches = await verbs.manifests({
        ...{ after: Number(after), carriedAfter: Number(carriedAfter), limit: Number(limit) },
      })
      return reply.type(ndjson).send(batches.map((batch) => `${JSON.stringify(batch)}\n`).join(''))
    },
  )
  door.post<{ Body: PayloadRequest }>(paths.payloads, { schema: { body: PayloadRequest } }, async (request, reply) =>
    reply.type(payloadsType).send(Readable.from(verbs.payloads(request.body))),
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
