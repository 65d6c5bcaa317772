import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { sha256 } from './digest.ts'

/** A new Ed25519 private key (RFC 8032), PKCS#8 PEM. */
export function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A new age X25519 identity and its recipient. */
export async function newSealingKey(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateIdentity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** The 32 bytes of the public half, base64url, as RFC 8037's `x`. */
export function publicKeyOf(privatePem: string): string {
  return String(createPublicKey(privatePem).export({ format: 'jwk' }).x)
}

/** @param x base64url of 32 bytes */
export function publicKey(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}

/** The key object of a PKCS#8 PEM. */
export function privateKey(pem: string): KeyObject {
  return createPrivateKey(pem)
}

/** The study id is the digest of the authority's public key. */
export function studyIdOf(authorityKey: string): string {
  return sha256(Buffer.from(authorityKey, 'base64url'))
}

/** A device id is taken from its signing key: nobody hands out ids, and none can collide unseen. */
export function deviceIdOf(signingKey: string): string {
  return sha256(Buffer.from(signingKey, 'base64url')).slice(0, 32)
}

/** The id of a sealing key, as a manifest's recipients name it. */
export function recipientId(recipient: string): string {
  return sha256(recipient)
}

/** A bare Ed25519 signature, base64url. */
export function signText(text: string, privatePem: string): string {
  return sign(null, Buffer.from(text), privateKey(privatePem)).toString('base64url')
}

/** Whether the bare signature over `text` is that key's. */
export function textIsSigned(text: string, signature: string, signingKey: string): boolean {
  return verify(null, Buffer.from(text), publicKey(signingKey), Buffer.from(signature, 'base64url'))
}
