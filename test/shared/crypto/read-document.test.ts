import canonicalize from 'canonicalize'
import fc from 'fast-check'
import t from 'tap'
import { signText } from '../../../shared/crypto/keys.ts'
import { readDocument } from '../../../shared/crypto/read-document.ts'
import { documentDigest, signDocument } from '../../../shared/crypto/sign-document.ts'
import { documentKinds } from '../../../shared/protocol/document-kinds.ts'
import { foundTestStudy, trustOf } from '../../fixtures/study.ts'

const seed = 20261124
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const study = await foundTestStudy()
t.teardown(() => study.dispose())
const { issuer, server } = study
const trust = await trustOf(server.identity)
const text = await study.publish(() => ({ name: 'Spellings' }))
const [header = '', payload = '', signature = ''] = text.split('.')
const body = Buffer.from(payload, 'base64url').toString()
const typ = documentKinds.study.typ
const { kid } = issuer.signer

/** Well signed by one who may: only the spelling is at fault. */
function signedAs(head: string | Buffer, content: string | Buffer): string {
  return signedParts(Buffer.from(head).toString('base64url'), Buffer.from(content).toString('base64url'))
}

function signedParts(head: string, content: string): string {
  return `${head}.${content}.${signText(`${head}.${content}`, issuer.privateKey)}`
}

const goodHeader = canonicalize({ alg: 'Ed25519', kid, typ }) ?? ''
const withField = (field: string) => body.replace(/^\{/, `{${field},`)
/** The other spelling of a base64url text whose last character has spare bits. */
const withSpareBit = (part: string) => part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1) ?? '') ^ 1]

t.test(
  'signed documents: the forger of this test signs well, so that each refusal below is of the spelling',
  async (t) => {
    t.equal(signedAs(goodHeader, body), text, 'Ed25519 gives equal bytes')
    t.equal((await trust.verify(signedAs(goodHeader, body), 'study')).document.name, 'Spellings')
  },
)

const headers: Record<string, string | Buffer> = {
  'alg EdDSA (the older name)': canonicalize({ alg: 'EdDSA', kid, typ }) ?? '',
  'alg none': canonicalize({ alg: 'none', kid, typ }) ?? '',
  'alg HS256': canonicalize({ alg: 'HS256', kid, typ }) ?? '',
  'no alg': canonicalize({ kid, typ }) ?? '',
  'no kid': canonicalize({ alg: 'Ed25519', typ }) ?? '',
  'no typ': canonicalize({ alg: 'Ed25519', kid }) ?? '',
  'a kid that is no digest': canonicalize({ alg: 'Ed25519', kid: 'issuer', typ }) ?? '',
  'a kid that is a list': canonicalize({ alg: 'Ed25519', kid: [kid], typ }) ?? '',
  'an extra header': canonicalize({ alg: 'Ed25519', cty: 'json', kid, typ }) ?? '',
  crit: canonicalize({ alg: 'Ed25519', crit: ['exp'], exp: 1, kid, typ }) ?? '',
  'b64 false': canonicalize({ alg: 'Ed25519', b64: false, crit: ['b64'], kid, typ }) ?? '',
  'an embedded key':
    canonicalize({ alg: 'Ed25519', jwk: { crv: 'Ed25519', kty: 'OKP', x: 'A'.repeat(43) }, kid, typ }) ?? '',
  'a certificate chain': canonicalize({ alg: 'Ed25519', kid, typ, x5c: ['AAAA'] }) ?? '',
  'a key address': canonicalize({ alg: 'Ed25519', jku: 'https://example.org/', kid, typ }) ?? '',
  'a typ of another kind': canonicalize({ alg: 'Ed25519', kid, typ: documentKinds.manifest.typ }) ?? '',
  'a typ in capitals': canonicalize({ alg: 'Ed25519', kid, typ: typ.toUpperCase() }) ?? '',
  'names in another order': JSON.stringify({ typ, kid, alg: 'Ed25519' }),
  'a name told twice': goodHeader.replace('{', '{"alg":"none",'),
  spaces: goodHeader.replaceAll(',', ', '),
  null: 'null',
  'a number': '1',
  'a list': '[]',
  'not JSON': '{',
  'not UTF-8': Buffer.concat([Buffer.from(goodHeader.slice(0, -2)), Buffer.from([0xff]), Buffer.from('"}')]),
}

t.test('protected header: exactly {alg, kid, typ}, in one spelling', async (t) => {
  for (const [what, head] of Object.entries(headers))
    await t.rejects(trust.verify(signedAs(head, body), 'study'), { code: 'BAD_DOCUMENT' }, what)
})

const payloads: Record<string, string | Buffer> = {
  'a name told twice': withField('"version":1'),
  'a name told twice, deep in a field that nobody knows': withField('"a":{"b":[{"c":1,"c":2}]}'),
  'an integer that a double cannot hold': withField('"a":9007199254740993'),
  'the first unsafe integer, in its canonical form': withField('"a":9007199254740992'),
  'the same, deep in a field that nobody knows': withField('"a":[{"b":-9007199254740993}]'),
  'a large round number': withField('"a":1e+21'),
  'an infinite number': withField('"a":1e400'),
  'minus zero': withField('"a":-0'),
  'a number as 1.0': withField('"a":1.0'),
  'a lone surrogate': withField('"a":"\\ud800"'),
  'an escape that is not needed': withField('"a":"\\u0061"'),
  'a space': withField(' "a":1'),
  'a newline at the end': `${body}\n`,
  'a byte order mark': `\ufeff${body}`,
  'names in another order': withField('"zzz":1'),
  'bytes that are no UTF-8': Buffer.from(withField('"a":"\u00ff"'), 'latin1'),
  'not JSON': body.slice(0, -1),
  'an empty text': '',
  null: 'null',
  'a list': `[${body}]`,
  'a thousand brackets in each other': withField(`"a":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
}

t.test('payload: RFC 8785, no duplicate names, no unsafe integers, no second spelling', async (t) => {
  for (const [what, content] of Object.entries(payloads))
    await t.rejects(trust.verify(signedAs(goodHeader, content), 'study'), { code: 'BAD_DOCUMENT' }, what)
  await t.resolves(
    trust.verify(signedAs(goodHeader, withField('"a":9007199254740991')), 'study'),
    'the largest safe one',
  )
})

t.test('no unprotected header, no JSON serialisation, nothing but three parts', async (t) => {
  const json = [
    { payload, protected: header, signature },
    { payload, protected: header, header: { kid }, signature },
    { payload, signatures: [{ protected: header, signature }] },
  ].map((form) => JSON.stringify(form))
  for (const jws of [
    ...json,
    '',
    '.',
    '..',
    `${header}.${payload}`,
    `${text}.`,
    `${text}.AA`,
    `.${text}`,
    ` ${text}`,
    `${text}\n`,
  ])
    await t.rejects(trust.verify(jws, 'study'), { code: 'BAD_DOCUMENT' }, jws.slice(0, 30))
})

t.test('base64url is canonical: no trailing bits, padding, other alphabet or white space', async (t) => {
  const padded = Buffer.from(withField('"a":"?>?>"')).toString('base64')
  t.match(padded, /[+/]/, 'the other alphabet shows')
  const contents = [
    `${payload}=`,
    `${payload} `,
    `${payload.slice(0, 9)}\n${payload.slice(9)}`,
    padded.replace(/=+$/, ''),
  ]
  // A text of 3n+1 or 3n+2 bytes leaves spare bits in its last character.
  const spare = ['"a":1', '"a":11', '"a":111'].map((field) => Buffer.from(withField(field)).toString('base64url'))
  for (const part of spare.filter(({ length }) => length % 4 !== 0)) contents.push(withSpareBit(part))
  t.equal(contents.length, 6, 'both kinds of spare bits are tried')
  for (const content of contents)
    await t.rejects(trust.verify(signedParts(header, content), 'study'), { code: 'BAD_DOCUMENT' }, content.slice(-12))
  await t.rejects(trust.verify(signedParts(withSpareBit(header), payload), 'study'), { code: 'BAD_DOCUMENT' }, 'header')
})

t.test('a signature that is spelled again names the same document, and is refused', async (t) => {
  const spellings = [
    withSpareBit(signature),
    `${signature}=`,
    `${signature}AA`,
    `${signature.slice(0, 9)} ${signature.slice(9)}`,
  ]
  for (const spelling of [...spellings, '', signature.slice(0, -1)]) {
    const again = `${header}.${payload}.${spelling}`
    t.equal(documentDigest(again), documentDigest(text), 'the digest leaves the signature out')
    await t.rejects(trust.verify(again, 'study'), { code: 'BAD_DOCUMENT' }, spelling.slice(-4))
  }
})

t.test('no one-character change of a document verifies', async (t) => {
  const change = fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...alphabet, '.', '=', ' ', '\n'))
  await fc.assert(
    fc.asyncProperty(change, async ([at, character]) => {
      fc.pre(text[at] !== character)
      const changed = text.slice(0, at) + character + text.slice(at + 1)
      return trust.verify(changed, 'study').then(
        () => false,
        ({ code }) => code !== undefined && code !== 'UNEXPECTED',
      )
    }),
    { seed, numRuns: 400 },
  )
  t.pass(`seed ${seed}`)
})

t.test('size is checked first: one byte over the kind, and nothing of it is parsed', async (t) => {
  for (const [kind, { maxBytes }] of Object.entries(documentKinds)) {
    const most = kind as keyof typeof documentKinds
    t.throws(() => readDocument('.'.repeat(maxBytes + 1), most), { message: `${kind}: larger than ${maxBytes} bytes` })
    t.throws(() => readDocument('.'.repeat(maxBytes), most), { message: `${kind}: not a compact JWS` })
  }
})

t.test('fields that a carrier does not know are kept, and change the digest', async (t) => {
  const document = JSON.parse(body)
  const future = { ...document, v: 2, future: { deep: [1, null, 'é', { '': true }] } }
  const signed = await signDocument('study', future, issuer.signer)
  const read = await trust.verify(signed.jws, 'study')
  t.strictSame(read.document, future)
  t.equal(read.jws, signed.jws, 'the exact bytes')
  t.not(read.digest, documentDigest(text))
})
