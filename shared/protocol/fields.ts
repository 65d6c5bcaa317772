import { type TSchema, Type } from '@sinclair/typebox'

/** sha-256 as 64 lowercase hex digits. */
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
/** A device: the first 32 hex digits of the sha-256 of its public signing key. */
export const DeviceId = Type.String({ pattern: '^[0-9a-f]{32}$' })
/** 128 random bits as 32 hex digits. */
export const Nonce = Type.String({ pattern: '^[0-9a-f]{32}$' })
/** A number that counts from 1 without a gap. */
export const Seq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
/** A count or a size in bytes. */
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** UTC, ISO 8601, as `Date.toISOString` writes it. A laptop's belief; nothing is ordered by it. */
export const Time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' })
/** Both ends included. */
export const Range = Type.Tuple([Seq, Seq])
/** A compact JWS (RFC 7515 section 3.1), at most 1 MiB. */
export const Jws = Type.String({ maxLength: 1_048_576, pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$' })
/** An Ed25519 or X25519 public key: 32 bytes, base64url (RFC 8037). */
export const PublicKey = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })
/** An age X25519 recipient. */
export const AgeRecipient = Type.String({ pattern: '^age1[0-9a-z]{58}$' })
/** A short text that a person gave: a name, a reason. */
export const Label = Type.String({ minLength: 1, maxLength: 200 })

/** Or null, always present: an absent field and an empty one are not the same promise. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** The fixed core of every signed document. Fields that a carrier does not know are kept, byte for byte. */
export const documentCore = { v: Type.Integer({ minimum: 1 }), study: Digest }
