import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { CertifiedPeer } from '../../shared/crypto/certificate.ts'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { GivenHandovers, type TakenHandovers } from '../../shared/protocol/given-handovers.ts'
import { Meeting } from '../../shared/protocol/meeting.ts'
import { Offer, type OfferAnswer } from '../../shared/protocol/offer.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { addressOf } from '../../shared/transfer/peer-door.ts'
import { refusalOf } from '../../shared/web/answer-errors.ts'
import type { Ingested } from '../ingest.ts'

/** What the doors for laptops and relays do. */
export interface DeviceVerbs {
  meet(peer: CertifiedPeer, address: string, meeting: Meeting): Promise<Meeting>
  offer(peer: CertifiedPeer, offer: Offer): Promise<OfferAnswer>
  ingest(peer: CertifiedPeer, batches: AsyncIterable<Uint8Array>): Promise<Ingested>
  takeHandovers(given: GivenHandovers): Promise<TakenHandovers>
}

/** The doors of the server, as PROTOCOL.md lists them. */
export function deviceRoutes(door: FastifyInstance, verbs: DeviceVerbs): void {
  door.post<{ Body: Meeting }>(paths.meeting, { schema: { body: Meeting } }, async (request) =>
    verbs.meet(request.peer, addressOf(request), request.body),
  )
  door.post<{ Body: Offer }>(paths.offers, { schema: { body: Offer } }, async (request) =>
    verbs.offer(request.peer, request.body),
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
