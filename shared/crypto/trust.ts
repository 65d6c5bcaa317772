import { type KeyObject, verify } from 'node:crypto'
import type { Credential } from '../protocol/credential.ts'
import { type DocumentKind, documentKinds } from '../protocol/document-kinds.ts'
import { WaybillError } from '../service/errors.ts'
import { deviceIdOf, publicKey, studyIdOf } from './keys.ts'
import { type ReadDocument, readDocument } from './read-document.ts'
import { documentDigest } from './sign-document.ts'

/** A credential whose signatures lead to the authority. */
export interface Trusted {
  credential: Credential
  kid: string
  jws: string
}

/** A document whose signer was allowed to sign it. */
export interface Verified<K extends DocumentKind> extends ReadDocument<K> {
  signer: Credential
}

/**
 * All that this node believes: what leads back to the study's authority key, and nothing else. Verifies offline, without
 * a clock. `load` finds a stored credential by its digest; `keep` stores a newly verified one.
 */
export class Trust {
  readonly study: string
  readonly #authorityKey: string
  readonly #known = new Map<string, Trusted>()
  readonly #keys = new Map<string, KeyObject>()
  readonly #load: (kid: string) => string | undefined
  readonly #keep: (trusted: Trusted) => void

  constructor(
    authorityKey: string,
    load: (kid: string) => string | undefined = () => undefined,
    keep: (trusted: Trusted) => void = () => undefined,
  ) {
    this.study = studyIdOf(authorityKey)
    this.#authorityKey = authorityKey
    this.#load = load
    this.#keep = keep
  }

  /**
   * Takes credentials in any order; what is already known costs nothing. Ones of issuers come before those they signed.
   * @throws CREDENTIAL_REFUSED, BAD_DOCUMENT, STUDY_MISMATCH, SIGNATURE_INVALID
   */
  async admitAll(credentials: string[]): Promise<void> {
    const read = credentials
      .filter((jws) => !this.#known.has(documentDigest(jws)))
      .map((jws) => readDocument(jws, 'credential'))
    read.sort((a, b) => Number(b.document.role === 'issuer') - Number(a.document.role === 'issuer'))
    for (const credential of read) await this.#admit(credential)
  }

  /** The credential with this digest. @throws CREDENTIAL_REFUSED when it is not known here */
  async credential(kid: string): Promise<Trusted> {
    const known = this.#known.get(kid)
    if (known) return known
    const stored = this.#load(kid)
    if (!stored) throw new WaybillError('CREDENTIAL_REFUSED', `no credential ${kid} is known here`)
    const read = readDocument(stored, 'credential')
    if (read.digest !== kid)
      throw new WaybillError('CREDENTIAL_REFUSED', `credential ${kid} is not what it is stored as`)
    return this.#admit(read)
  }

  /**
   * Reads a document and checks who signed it: study, a role that may sign this kind, the signature.
   * @throws BAD_DOCUMENT, STUDY_MISMATCH, CREDENTIAL_REFUSED, ROLE_REFUSED, SIGNATURE_INVALID
   */
  async verify<K extends DocumentKind>(jws: string, kind: K): Promise<Verified<K>> {
    const read = readDocument(jws, kind)
    this.#checkStudy(read.document.study)
    const { credential } = await this.credential(read.kid)
    const signers: readonly string[] = documentKinds[kind].signers
    if (!signers.includes(credential.role))
      throw new WaybillError('ROLE_REFUSED', `a ${credential.role} may not sign a ${kind}`)
    this.#checkSignature(jws, credential.signingKey)
    return { ...read, signer: credential }
  }

  async #admit(read: ReadDocument<'credential'>): Promise<Trusted> {
    const { document: credential, kid: signedBy } = read
    this.#checkStudy(credential.study)
    if (credential.device !== deviceIdOf(credential.signingKey))
      throw new WaybillError('CREDENTIAL_REFUSED', 'device id is not of the signing key')
    this.#checkSignature(read.jws, await this.#signingKeyFor(credential, signedBy))
    const trusted = { credential, kid: read.digest, jws: read.jws }
    this.#known.set(read.digest, trusted)
    this.#keep(trusted)
    return trusted
  }

  async #signingKeyFor(credential: Credential, signedBy: string): Promise<string> {
    if (credential.role === 'issuer') {
      if (signedBy !== this.study) throw new WaybillError('CREDENTIAL_REFUSED', 'an issuer not signed by the authority')
      return this.#authorityKey
    }
    const issuer = await this.credential(signedBy)
    if (issuer.credential.role !== 'issuer')
      throw new WaybillError('CREDENTIAL_REFUSED', 'a device not signed by an issuer')
    return issuer.credential.signingKey
  }

  #checkStudy(study: string): void {
    if (study !== this.study) throw new WaybillError('STUDY_MISMATCH', `a document of study ${study.slice(0, 8)}`)
  }

  /** RFC 7515 section 5.2; all but the signature itself was checked when the document was read. */
  #checkSignature(jws: string, signingKey: string): void {
    const end = jws.lastIndexOf('.')
    const signature = Buffer.from(jws.slice(end + 1), 'base64url')
    if (!verify(null, Buffer.from(jws.slice(0, end)), this.#keyOf(signingKey), signature))
      throw new WaybillError('SIGNATURE_INVALID', 'a signature does not verify')
  }

  #keyOf(signingKey: string): KeyObject {
    try {
      const key = this.#keys.get(signingKey) ?? publicKey(signingKey)
      this.#keys.set(signingKey, key)
      return key
    } catch (cause) {
      throw new WaybillError('SIGNATURE_INVALID', 'a signing key is no Ed25519 key', { cause })
    }
  }
}
