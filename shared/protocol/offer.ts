import { type Static, Type } from '@sinclair/typebox'
import { Digest, Jws, Nullable } from './fields.ts'

/** So many batches may be offered at once. */
export const mostOffered = 500
/** The largest answer to an offer, in bytes. */
export const maxOfferBytes = 4 * 1024 * 1024

const closed = { additionalProperties: false }

/** Batches that a courier could hand on, each with the courier's own receipt for it; a producer has none. */
export const Offer = Type.Object(
  {
    manifests: Type.Array(Type.Object({ digest: Digest, receipt: Nullable(Jws) }, closed), { maxItems: mostOffered }),
  },
  closed,
)
export type Offer = Static<typeof Offer>

/**
 * What of an offer the server wants, and its receipts, the same bytes again, for what it holds. `delivered`: it is one of the batches
 * that a delivery receipt means, not only one of a number that the receipt counts.
 */
export const OfferAnswer = Type.Object({
  wanted: Type.Array(Digest),
  held: Type.Array(Type.Object({ digest: Digest, custody: Jws, delivered: Type.Boolean() })),
})
export type OfferAnswer = Static<typeof OfferAnswer>
