import { isUtf8 } from 'node:buffer'
import type { Static } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import { type DocumentKind, documentKinds } from '../protocol/document-kinds.ts'
import { WaybillError } from '../service/errors.ts'
import { isCanonical } from './canonical.ts'
import { documentDigest } from './sign-document.ts'

/** The text of a kind of document. */
type DocumentOf<K extends DocumentKind> = Static<(typeof documentKinds)[K]['schema']>

/** A document read and found well-formed; its signature is not checked yet. */
export interface ReadDocument<K extends DocumentKind> {
  document: DocumentOf<K>
  kid: string
  digest: string
  jws: string
}

const signatureBytes = 64
const checks = Object.fromEntries(
  Object.entries(documentKinds).map(([kind, { schema }]) => [kind, TypeCompiler.Compile(schema)]),
) as unknown as Record<DocumentKind, TypeCheck<(typeof documentKinds)[DocumentKind]['schema']>>

/**
 * Reads a document from outside: size first, then one spelling only (canonical base64url, RFC 8785 JSON, which has no
 * duplicate names, and no unsafe integers), then the header, then the schema. Unknown fields are kept.
 * @throws BAD_DOCUMENT naming the kind and the field
 */
export function readDocument<K extends DocumentKind>(jws: string, kind: K): ReadDocument<K> {
  const { typ, maxBytes } = documentKinds[kind]
  const refuse = (why: string): never => {
    throw new WaybillError('BAD_DOCUMENT', `${kind}: ${why}`)
  }
  if (jws.length > maxBytes) refuse(`larger than ${maxBytes} bytes`)
  const parts = jws.split('.')
  if (parts.length !== 3) refuse('not a compact JWS')
  const [header, document] = parts.slice(0, 2).map((part) => readPart(part, refuse))
  if (readBytes(parts[2] ?? '', refuse).length !== signatureBytes) refuse('no Ed25519 signature')
  const kid = (header as { kid?: unknown } | null)?.kid
  if (typeof kid !== 'string' || !/^[0-9a-f]{64}$/.test(kid)) return refuse('kid is not a digest')
  if (JSON.stringify(header) !== JSON.stringify({ alg: 'Ed25519', kid, typ }))
    refuse('protected header is not {alg, kid, typ}')
  const check = checks[kind]
  if (!check.Check(document)) {
    const first = check.Errors(document).First()
    refuse(`${first?.path} ${first?.message}`)
  }
  return { document: document as DocumentOf<K>, kid, digest: documentDigest(jws), jws }
}

/** What a document says, when nothing of it was checked. @throws SyntaxError for what is no JWS */
export function peekDocument(jws: string): unknown {
  return JSON.parse(Buffer.from(jws.split('.', 2)[1] ?? '', 'base64url').toString())
}

/** What a document says of itself in its header; nothing of it is checked. @throws SyntaxError for what is no JWS */
export function headerOf(jws: string): { kid?: unknown; typ?: unknown } {
  return JSON.parse(Buffer.from(jws.slice(0, jws.indexOf('.')), 'base64url').toString()) ?? {}
}

function readBytes(part: string, refuse: (why: string) => never): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) refuse('base64url is not canonical')
  return bytes
}

function readPart(part: string, refuse: (why: string) => never): unknown {
  const bytes = readBytes(part, refuse)
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
    if (hasUnsafe(value)) refuse('an unsafe integer')
  } catch (error) {
    if (error instanceof WaybillError) throw error
    refuse('not JSON')
  }
  // What is no UTF-8 would read as another text.
  if (!isUtf8(bytes) || !isCanonical(value, text)) refuse('not in RFC 8785 canonical form')
  return value
}

function hasUnsafe(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(hasUnsafe)
}
