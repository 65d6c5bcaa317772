import { type Static, Type } from '@sinclair/typebox'
import { Incarnation } from './delivery-receipt.ts'
import { Count, DeviceId, documentCore, Nonce, Range, Seq, Time } from './fields.ts'

/**
 * The server has seen proof that these batches exist (`witnessed` is the highest number any receipt or manifest named) and
 * has not received them. It rides with every courier, so that one who silently never delivers shows on every node.
 */
export const GapNotice = Type.Object({
  ...documentCore,
  producer: DeviceId,
  chain: Nonce,
  missing: Type.Array(Range, { maxItems: 1024 }),
  witnessed: Seq,
  unsealed: Count,
  server: DeviceId,
  incarnation: Incarnation,
  at: Time,
})
export type GapNotice = Static<typeof GapNotice>
