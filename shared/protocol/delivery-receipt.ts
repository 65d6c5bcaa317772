import { type Static, Type } from '@sinclair/typebox'
import { Count, DeviceId, Digest, documentCore, Nonce, Nullable, Range, Seq, Time } from './fields.ts'

/** One life of a server's database. A server that was restored begins the next. */
export const Incarnation = Type.Object({ number: Seq, nonce: Nonce })
export type Incarnation = Static<typeof Incarnation>

/**
 * The server has stored, opened and found whole all batches of the chain up to `through`, and the ranges `above`.
 * Up to `safeThrough` they are in a verified backup or at the central server: only that permits deletion.
 */
export const DeliveryReceipt = Type.Object({
  ...documentCore,
  producer: DeviceId,
  chain: Nonce,
  through: Count,
  throughDigest: Nullable(Digest),
  above: Type.Array(Range, { maxItems: 1024 }),
  safeThrough: Count,
  server: DeviceId,
  incarnation: Incarnation,
  at: Time,
})
export type DeliveryReceipt = Static<typeof DeliveryReceipt>
