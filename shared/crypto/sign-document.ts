import { type KeyObject, sign } from 'node:crypto'
import canonicalize from 'canonicalize'
import { type DocumentKind, documentKinds } from '../protocol/document-kinds.ts'
import { sha256 } from './digest.ts'
import { privateKey } from './keys.ts'

/** Who signs: `kid` is the digest of the signer's credential, or the study id for the authority itself. */
export interface Signer {
  kid: string
  privateKey: string
}

/** Exact bytes to store and show, and the digest by which others name them. */
export interface SignedDocument {
  jws: string
  digest: string
}

let lastKey: { pem: string; key: KeyObject } | undefined

/**
 * Signs a document: compact JWS (RFC 7515), alg Ed25519 (RFC 9864), payload in RFC 8785 canonical form, protected header
 * exactly {alg, kid, typ}.
 */
export async function signDocument(kind: DocumentKind, document: object, signer: Signer): Promise<SignedDocument> {
  const header = JSON.stringify({ alg: 'Ed25519', kid: signer.kid, typ: documentKinds[kind].typ })
  const signed = `${base64url(header)}.${base64url(canonicalize(document) ?? '')}`
  const signature = sign(null, Buffer.from(signed), keyOf(signer))
  return { jws: `${signed}.${signature.toString('base64url')}`, digest: sha256(signed) }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** A program signs with its one key again and again: it is read once. */
function keyOf({ privateKey: pem }: Signer): KeyObject {
  if (lastKey?.pem !== pem) lastKey = { pem, key: privateKey(pem) }
  return lastKey.key
}

/** sha-256 over `protected.payload`: a signature can be re-spelled, this cannot. */
export function documentDigest(jws: string): string {
  return sha256(jws.slice(0, jws.lastIndexOf('.')))
}
