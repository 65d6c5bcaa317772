import { type Static, Type } from '@sinclair/typebox'
import { Count, DeviceId, Digest, documentCore, Nonce, Nullable, Seq, Time } from './fields.ts'

/** The last batch of an older chain that this chain goes on from. */
const Continues = Type.Object({ chain: Nonce, seq: Seq, digest: Digest })

/** The signed, readable head of a batch. `previous` is the digest of the manifest before it in the chain. */
export const Manifest = Type.Object({
  ...documentCore,
  producer: DeviceId,
  chain: Nonce,
  seq: Seq,
  previous: Nullable(Digest),
  continues: Nullable(Continues),
  sealedAt: Time,
  changes: Count,
  studyVersion: Count,
  payload: Type.Object({ digest: Digest, size: Count, recipients: Type.Array(Digest, { minItems: 1, maxItems: 16 }) }),
  plain: Type.Object({ digest: Digest, size: Count }),
  requisitions: Type.Object({ digest: Digest, count: Count }),
  handovers: Type.Array(Digest, { maxItems: 1000 }),
})
export type Manifest = Static<typeof Manifest>
