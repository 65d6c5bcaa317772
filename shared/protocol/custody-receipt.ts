import { type Static, Type } from '@sinclair/typebox'
import { Count, DeviceId, Digest, documentCore, Nonce, Nullable, Seq, Time } from './fields.ts'

/** The newest batch that a producer has sealed (0: none), and how many changes wait to be sealed. */
export const Head = Type.Object({ chain: Nonce, seq: Count, unsealed: Count })
export type Head = Static<typeof Head>

/**
 * `by` has verified and durably stored the batch that `from` gave. One hop of the batch's provenance: `prev` is the digest
 * of the giver's own receipt, or of the manifest at hop 1. It never permits deletion.
 */
export const CustodyReceipt = Type.Object({
  ...documentCore,
  manifest: Digest,
  hop: Seq,
  prev: Digest,
  from: DeviceId,
  by: DeviceId,
  at: Time,
  peerAt: Nullable(Time),
  head: Nullable(Head),
})
export type CustodyReceipt = Static<typeof CustodyReceipt>
