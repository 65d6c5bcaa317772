import { createHmac, createSecretKey, hash, type KeyObject, randomBytes } from 'node:crypto'

/** sha-256 as 64 lowercase hex digits. */
export function sha256(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex')
}

/** The key of keyed digests, made once: to make it costs more than a digest does. */
export function digestKeyOf(hex: string): KeyObject {
  return createSecretKey(hex, 'hex')
}

/** HMAC-SHA-256 (RFC 2104) as hex: recognises a text again without keeping it guessable. */
export function keyedDigest(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

/** 128 random bits as 32 hex digits. */
export function newNonce(): string {
  return randomBytes(16).toString('hex')
}
