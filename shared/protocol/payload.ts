import { type Static, Type } from '@sinclair/typebox'
import { DeviceId, Digest, Nonce, Seq } from './fields.ts'

/** At most this many bytes of NDJSON in one payload, before compression. */
export const maxPlainBytes = 2 * 1024 * 1024
/** At most this many sealed bytes: incompressible plain text, and what age adds. */
export const maxPayloadBytes = maxPlainBytes + 64 * 1024

/**
 * A payload's first line. It binds the sealed bytes to one place of one chain: stolen ciphertext re-signed as another's
 * does not open. The salt (256 bits) keeps the signed plain digest from being guessed.
 */
export const PayloadHead = Type.Object(
  { study: Digest, producer: DeviceId, chain: Nonce, seq: Seq, salt: Digest },
  { additionalProperties: false },
)
export type PayloadHead = Static<typeof PayloadHead>
