import { type Static, Type } from '@sinclair/typebox'
import { Count, DeviceId, Digest, documentCore, Nonce, Nullable, Seq, Time } from './fields.ts'

/** One life of a server's database. A server that was restored begins the next. */
export const Incarnation = Type.Object({ number: Seq, nonce: Nonce })
export type Incarnation = Static<typeof Incarnation>

/** Batches that follow each other: the first number, the last, and the manifest digest of the last one. */
export const BatchRun = Type.Tuple([Seq, Seq, Digest])
export type BatchRun = Static<typeof BatchRun>

/**
 * The server has stored, opened and found whole all batches of the chain up to `through`, and the runs `above`. Both name a batch, and
 * mean that one and those that it follows: a number alone may have been used twice.
 * Up to `safeThrough` they are in a verified backup or at the central server: only that permits deletion.
 */
export const DeliveryReceipt = Type.Object({
  ...documentCore,
  producer: DeviceId,
  chain: Nonce,
  through: Count,
  throughDigest: Nullable(Digest),
  above: Type.Array(BatchRun, { maxItems: 1024 }),
  safeThrough: Count,
  server: DeviceId,
  incarnation: Incarnation,
  at: Time,
})
export type DeliveryReceipt = Static<typeof DeliveryReceipt>
