import { type Static, Type } from '@sinclair/typebox'
import { AgeRecipient, Count, DeviceId, documentCore, Nullable, PublicKey } from './fields.ts'
import { Role } from './role.ts'

/**
 * What a device is allowed to be, signed by the issuer (the issuer's own by the authority). Its digest is the `kid` of
 * all that the device signs. It never expires by a clock: the study document's minimum epoch and revocations decide.
 */
export const Credential = Type.Object({
  ...documentCore,
  device: DeviceId,
  role: Role,
  epoch: Count,
  signingKey: PublicKey,
  tlsKey: Nullable(PublicKey),
  sealingKey: Nullable(AgeRecipient),
})
export type Credential = Static<typeof Credential>
