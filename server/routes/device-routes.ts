import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { CertifiedPeer } from '../../shared/crypto/certificate.ts'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { Digest, Jws, Nullable } from '../../shared/protocol/fields.ts'
import { GivenHandovers, type TakenHandovers } from '../../shared/protocol/given-handovers.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { addressOf } from '../../shared/transfer/peer-door.ts'
import { refusalOf } from '../../shared/web/answer-errors.ts'
import type { Ingested } from '../ingest.ts'
import type { Offer, OfferAnswer } from '../offer.ts'

/** What the doors for laptops and relays do. */
export interface DeviceVerbs {
  meet(peer: CertifiedPeer, address: string, meeting: Meeting): Promise<Meeting>
  offer(peer: CertifiedPeer, offers: Offer[]): Promise<OfferAnswer>
  ingest(peer: CertifiedPeer, batches: AsyncIterable<Uint8Array>): Promise<Ingested>
  takeHandovers(given: GivenHandovers): Promise<TakenHandovers>
}

const Offers = Type.Object(
  {
    manifests: Type.Array(Type.Object({ digest: Digest, receipt: Nullable(Jws) }, { additionalProperties: false }), {
      maxItems: 500,
    }),
  },
  { additionalProperties: false },
)

/** The doors of the server, as PROTOCOL.md lists them. */
export function deviceRoutes(door: FastifyInstance, verbs: DeviceVerbs): void {
  door.post<{ Body: Meeting }>(paths.meeting, { schema: { body: Meeting } }, async (request) =>
    verbs.meet(request.peer, addressOf(request), request.body),
  )
  door.post<{ Body: { manifests: Offer[] } }>(paths.offers, { schema: { body: Offers } }, async (request) =>
    verbs.offer(request.peer, request.body.manifests),
  )
  door.post<{ Body: Readable }>(paths.batches, async (request) => {
    if (!(request.body instanceof Readable)) throw new WaybillError('BAD_REQUEST', 'batch frames are expected')
    const { taken, refused } = await verbs.ingest(request.peer, request.body)
    return {
      taken,
      refused: refused.map(({ digest, error }) => ({ digest, ...refusalOf(error) })),
    }
  })
  door.post<{ Body: GivenHandovers }>(
    paths.handovers,
    { schema: { body: GivenHandovers }, preValidation: async ({ peer }) => onlyRoles('relay')(peer) },
    async (request) => verbs.takeHandovers(request.body),
  )
}
