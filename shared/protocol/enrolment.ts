import { type Static, Type } from '@sinclair/typebox'
import { AgeRecipient, DeviceId, Digest, Jws, Nullable, PublicKey } from './fields.ts'
import { Role } from './role.ts'

/** The public keys that a device made. The private ones never leave it. */
export const DeviceKeys = Type.Object(
  { signingKey: PublicKey, tlsKey: PublicKey, sealingKey: Nullable(AgeRecipient) },
  { additionalProperties: false },
)
export type DeviceKeys = Static<typeof DeviceKeys>

/**
 * What a device asks, by network with the code's secret, or in a request file with none. `proof` is the device's signature
 * (Ed25519, base64url) over the digest of the keys: whoever asks holds the signing key.
 */
export const EnrolmentRequest = Type.Object(
  {
    v: Type.Literal(1),
    secret: Nullable(Type.String({ pattern: '^[A-Za-z0-9_-]{22,64}$' })),
    keys: DeviceKeys,
    proof: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
  },
  { additionalProperties: false },
)
export type EnrolmentRequest = Static<typeof EnrolmentRequest>

const Pem = Type.String({ maxLength: 16_384 })

/** What makes the device one of the study: its credential and certificate, the chain to the authority, and the study. */
export const EnrolmentAnswer = Type.Object(
  {
    v: Type.Literal(1),
    study: Digest,
    authorityKey: PublicKey,
    authorityCertificate: Pem,
    issuerCertificate: Pem,
    certificate: Pem,
    issuerCredential: Jws,
    credential: Jws,
    serverCredential: Jws,
    studyDocument: Type.String({ maxLength: 8_388_608 }),
    server: DeviceId,
    role: Role,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    addresses: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 16 }),
  },
  { additionalProperties: false },
)
export type EnrolmentAnswer = Static<typeof EnrolmentAnswer>
