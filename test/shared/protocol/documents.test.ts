import canonicalize from 'canonicalize'
import fc, { type Arbitrary } from 'fast-check'
import t from 'tap'
import { signText } from '../../../shared/crypto/keys.ts'
import { readDocument } from '../../../shared/crypto/read-document.ts'
import { signDocument } from '../../../shared/crypto/sign-document.ts'
import { type DocumentKind, documentKinds } from '../../../shared/protocol/document-kinds.ts'
import { tubeStates } from '../../../shared/protocol/handover.ts'
import { foundTestStudy } from '../../fixtures/study.ts'

const seed = 20261124
const study = await foundTestStudy()
t.teardown(() => study.dispose())
const { signer } = study.issuer

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })
const [digest, id] = [hex(64), hex(32)]
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const time = fc
  .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString())
const label = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => text.length <= 200)
const range = fc.tuple(seq, seq)
const letters = (alphabet: string, length: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length })
const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const key = letters(base64url, 43)
const age = letters('023456789acdefghjklmnpqrstuvwxyz', 58).map((text) => `age1${text}`)
const role = fc.constantFrom('issuer', 'field', 'relay', 'server', 'central')
const nullable = <T>(value: Arbitrary<T>) => fc.option(value, { nil: null })
const core = { v: fc.integer({ min: 1, max: 99 }), study: digest }
const incarnation = fc.record({ number: seq, nonce: id })
const most = (value: Arbitrary<unknown>) => fc.array(value, { maxLength: 3 })

const head = { id, giver: id, taker: id, began: time }
const person = fc.record({ id: nullable(label), name: label })
const kind = fc.constantFrom('shift', 'pin', 'begin', 'close')
const log = most(fc.record({ at: time, person: nullable(person), kind, about: nullable(id) }))
const line = { model: label, pk: label }
const state = fc.constantFrom(...tubeStates)
const why = { reason: nullable(label), text: nullable(label) }
const celsius = fc.double({ min: -200, max: 200, noNaN: true })
const deed = fc.oneof(
  fc.record({ kind: fc.constant('scan'), text: label, typed: fc.boolean(), told: label }),
  fc.record({ kind: fc.constant('count'), line: fc.record(line), old: nullable(count), new: count }),
  fc.record({ kind: fc.constant('undo'), device: id, number: seq }),
)

/** Every field of every kind; `noise` is what a later version may add. */
const valid: Record<DocumentKind, Arbitrary<Record<string, unknown>>> = {
  credential: fc.record({
    ...core,
    device: id,
    role,
    epoch: count,
    signingKey: key,
    tlsKey: nullable(key),
    sealingKey: nullable(age),
  }),
  custody: fc.record({
    ...{ ...core, manifest: digest, hop: seq, prev: digest, from: id, by: id, at: time, peerAt: nullable(time) },
    head: nullable(fc.record({ chain: id, seq: count, unsealed: count })),
  }),
  delivery: fc.record({
    ...{
      ...core,
      producer: id,
      chain: id,
      through: count,
      throughDigest: nullable(digest),
      above: most(fc.tuple(seq, seq, digest)),
    },
    ...{ safeThrough: count, server: id, incarnation, at: time },
  }),
  gaps: fc.record({
    ...{ ...core, producer: id, chain: id, missing: most(range), witnessed: seq, unsealed: count },
    ...{ server: id, incarnation, at: time },
  }),
  handover: fc.record({
    ...{ ...core, ...head, revision: seq, previous: nullable(digest), at: time, studyVersion: count },
    lines: most(
      fc.record({
        ...line,
        requisition: nullable(label),
        changeId: label,
        state,
        tubes: nullable(count),
        counted: nullable(count),
        ...why,
      }),
    ),
    strays: most(
      fc.record({ label, state: fc.constantFrom('unexpected', 'anotherLaptop'), device: nullable(id), ...why }),
    ),
    temperature: nullable(celsius),
    acts: most(fc.record({ device: id, number: seq, after: seq, at: time, person: nullable(person), deed })),
    log,
  }),
  handoverReceipt: fc.record({
    ...core,
    server: id,
    documents: fc.array(digest, { minLength: 1, maxLength: 9 }),
    at: time,
  }),
  signature: fc.record({
    ...{ ...core, handover: digest, id, revision: seq, by: id, meaning: fc.constantFrom('handedOver', 'received') },
    ...{
      person: nullable(person),
      verified: fc.boolean(),
      agrees: fc.boolean(),
      remark: nullable(label),
      at: time,
      log,
    },
  }),
  manifest: fc.record({
    ...{
      ...core,
      producer: id,
      chain: id,
      seq,
      previous: nullable(digest),
      sealedAt: time,
      changes: count,
      studyVersion: count,
    },
    continues: nullable(fc.record({ chain: id, seq, digest })),
    payload: fc.record({ digest, size: count, recipients: fc.array(digest, { minLength: 1, maxLength: 16 }) }),
    plain: fc.record({ digest, size: count }),
    requisitions: fc.record({ digest, count }),
    handovers: most(digest),
  }),
  study: fc.record({
    ...{
      ...core,
      name: label,
      reasons: most(fc.record({ code: label, words: label, closes: fc.boolean() })),
      temperature: nullable(fc.record({ lowest: celsius, highest: celsius })),
      version: seq,
      previous: nullable(digest),
      at: time,
      servers: most(id),
    },
    sites: most(fc.record({ id: label, name: label })),
    models: fc.dictionary(
      label,
      fc.record({ requisition: fc.record({ identifier: label, panel: label }, { requiredKeys: ['identifier'] }) }),
    ),
    people: most(fc.record({ id: label, name: label, role: label })),
    limits: fc.record({
      batchChanges: fc.integer({ min: 1, max: 5000 }),
      batchBytes: fc.integer({ min: 1024, max: 1_048_576 }),
      sealAfterSeconds: fc.integer({ min: 1, max: 86_400 }),
      retentionHours: fc.integer({ min: 0, max: 87_600 }),
      producerBytes: fc.integer({ min: 1_048_576, max: Number.MAX_SAFE_INTEGER }),
    }),
    devices: fc.dictionary(id, fc.record({ name: label, role, site: nullable(label) })),
    recipients: fc.array(fc.record({ id: digest, key: age, site: nullable(label), holder: label }), {
      minLength: 1,
      maxLength: 3,
    }),
    minimumEpoch: fc.dictionary(role, count),
    revocations: most(
      fc.record({
        device: id,
        reason: label,
        chains: most(fc.record({ chain: id, throughSeq: count, digest: nullable(digest) })),
      }),
    ),
  }),
}
const kinds = Object.keys(documentKinds) as DocumentKind[]
const unknownValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    ...[fc.string({ unit: 'grapheme' }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null)],
    ...[fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }), fc.array(tie('value'), { maxLength: 3 })],
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 3 }),
  ),
})).value

for (const kind of kinds)
  t.test(`${kind}: what is valid comes back as it was, with every field that a carrier does not know`, async (t) => {
    const noise = fc.dictionary(
      fc.string({ minLength: 1, unit: 'grapheme' }).map((name) => `x-${name}`),
      unknownValue,
      { maxKeys: 3 },
    )
    await fc.assert(
      fc.asyncProperty(valid[kind], noise, async (document, unknown) => {
        const told = { ...document, ...unknown }
        const { jws, digest } = await signDocument(kind, told, signer)
        const read = readDocument(jws, kind)
        return (
          canonicalize(read.document) === canonicalize(told) &&
          read.jws === jws &&
          read.digest === digest &&
          read.kid === signer.kid &&
          // A carrier that took it apart and told it again would say the same.
          (await signDocument(kind, read.document, signer)).digest === digest
        )
      }),
      { seed, numRuns: 60 },
    )
    t.pass(`seed ${seed}`)
  })

/** Signed as it is, whatever it is. */
function told(kind: DocumentKind, document: unknown): string {
  const head = Buffer.from(canonicalize({ alg: 'Ed25519', kid: signer.kid, typ: documentKinds[kind].typ }) ?? '')
  const body = Buffer.from(canonicalize(document) ?? '')
  const text = `${head.toString('base64url')}.${body.toString('base64url')}`
  return `${text}.${signText(text, signer.privateKey)}`
}

/** Every place of a document, as the names that lead to it. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, inner]) => places(inner, [...path, name]))]
}

function replaced(value: unknown, [name, ...rest]: string[], by: (found: unknown) => unknown): unknown {
  if (name === undefined) return by(value)
  const copy = structuredClone(value) as Record<string, unknown>
  const inner = replaced(copy[name], rest, by)
  if (inner === undefined) delete copy[name]
  else copy[name] = inner
  return copy
}

for (const kind of kinds)
  t.test(`${kind}: a field that is missing or of another type is named and refused`, async (t) => {
    const sample = fc.sample(valid[kind].filter(isFull), { seed, numRuns: 1 })[0]
    t.match(readDocument(told(kind, sample), kind), { kid: signer.kid }, 'whole, it is taken')
    for (const name of Object.keys(sample ?? {}))
      t.throws(
        () =>
          readDocument(
            told(
              kind,
              replaced(sample, [name], () => undefined),
            ),
            kind,
          ),
        { code: 'BAD_DOCUMENT', message: new RegExp(`^${kind}: /${name} `) },
        `without ${name}`,
      )
    for (const path of places(sample))
      t.throws(
        () =>
          readDocument(
            told(
              kind,
              replaced(sample, path, () => [-1.5]),
            ),
            kind,
          ),
        { code: 'BAD_DOCUMENT' },
        `another thing at /${path.join('/')}`,
      )
  })

/** Nothing in it is null or empty, so that every place of the schema is in it. */
function isFull(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isFull)
  if (typeof value !== 'object') return true
  return value !== null && Object.keys(value).length > 0 && Object.values(value).every(isFull)
}

const limits: [DocumentKind, string[], unknown, string][] = [
  ['custody', ['hop'], 0, 'hops count from 1'],
  ['custody', ['hop'], 1.5, 'whole numbers'],
  ['custody', ['by'], 'A'.repeat(32), 'lowercase digits'],
  ['custody', ['at'], '2026-11-24T08:00:00Z', 'milliseconds'],
  ['custody', ['at'], '2026-11-24T08:00:00.000+02:00', 'UTC'],
  ['custody', ['manifest'], 'a'.repeat(63), 'a whole digest'],
  ['custody', ['manifest'], `${'a'.repeat(64)}\n`, 'a digest and nothing after it'],
  ['delivery', ['through'], -1, 'no count below 0'],
  [
    'delivery',
    ['above'],
    Array.from({ length: 1025 }, () => [1, 2, 'a'.repeat(64)]),
    'at most 1,024 runs (house rule 14)',
  ],
  ['delivery', ['above'], [[0, 1, 'a'.repeat(64)]], 'batches count from 1'],
  ['delivery', ['above'], [[1, 2]], 'a run names its last batch'],
  ['gaps', ['missing'], Array.from({ length: 1025 }, () => [1, 2]), 'at most 1,024 ranges (house rule 14)'],
  ['manifest', ['payload', 'recipients'], [], 'sealed to somebody'],
  ['manifest', ['payload', 'recipients'], Array.from({ length: 17 }, () => 'a'.repeat(64)), 'at most 16 recipients'],
  ['manifest', ['seq'], 0, 'batches count from 1'],
  ['credential', ['role'], 'admin', 'a known role'],
  ['credential', ['signingKey'], `${'A'.repeat(42)}=`, 'base64url'],
  ['study', ['recipients'], [], 'sealed to somebody'],
  ['study', ['limits', 'batchChanges'], 0, 'a batch holds something'],
]

t.test('limits of fields', async (t) => {
  for (const [kind, path, value, why] of limits) {
    const [sample] = fc.sample(valid[kind], { seed, numRuns: 1 })
    const document = replaced(sample, path, () => value)
    t.throws(
      () => readDocument(told(kind, document), kind),
      { code: 'BAD_DOCUMENT' },
      `${kind} /${path.join('/')}: ${why}`,
    )
  }
})
