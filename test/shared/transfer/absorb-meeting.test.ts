import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { type Identity, signerOf } from '../../../shared/crypto/identity.ts'
import { newSigningKey } from '../../../shared/crypto/keys.ts'
import { signDocument } from '../../../shared/crypto/sign-document.ts'
import { Trust } from '../../../shared/crypto/trust.ts'
import type { DocumentKind } from '../../../shared/protocol/document-kinds.ts'
import type { Meeting } from '../../../shared/protocol/meeting.ts'
import { StudyShelf } from '../../../shared/storage/study-shelf.ts'
import { absorbMeeting } from '../../../shared/transfer/absorb-meeting.ts'
import { foundTestStudy, trustOf } from '../../fixtures/study.ts'

const seed = 20261124
const study = await foundTestStudy()
const other = await foundTestStudy()
t.teardown(() => [study, other].map(({ dispose }) => dispose()))
const { server } = study
const field = await study.enrol('field', 'lap')
const relay = await study.enrol('relay', 'driver')
const rogue = await study.enrol('server', 'not-in-the-study')
const at = '2026-11-24T08:00:00.000Z'
const [digest, chain] = [sha256('a manifest'), sha256('a chain').slice(0, 32)]
const core = { v: 1, study: study.study, at }
const incarnation = { number: 1, nonce: chain }
const empty: Meeting = {
  ...{ v: 1, at, studyVersion: 1, studyDocument: null, credentials: [], deliveries: [], gaps: [], custody: [] },
  ...{ manifests: [], head: null, lines: null, incarnation: null },
}
const credentials = [server, field, relay, rogue].map(({ identity }) => identity.credential)
const { issuerCredential } = server.identity
const told = { ...empty, credentials: [issuerCredential, ...credentials] }

async function signed(kind: DocumentKind, document: object, by: Identity): Promise<string> {
  return (await signDocument(kind, document, signerOf(by))).jws
}

function delivery(by: Identity, named: string): Promise<string> {
  const ends = { through: 1, throughDigest: digest, above: [], safeThrough: 0, incarnation }
  return signed('delivery', { ...core, producer: field.device, chain, ...ends, server: named }, by)
}

function gaps(by: Identity, named: string): Promise<string> {
  const ends = { missing: [[2, 3]], witnessed: 3, unsealed: 0, incarnation }
  return signed('gaps', { ...core, producer: field.device, chain, ...ends, server: named }, by)
}

function custody(by: Identity): Promise<string> {
  const hop = { manifest: digest, hop: 1, prev: digest, from: field.device, by: relay.device, peerAt: null, head: null }
  return signed('custody', { ...core, ...hop }, by)
}

/** What a laptop that knows nothing yet makes of it. */
async function absorb(meeting: Partial<Meeting>) {
  const trust = new Trust(server.identity.authorityKey)
  const shelf = await StudyShelf.open(field.data, await trustOf(field.identity))
  const { problems, ...absorbed } = await absorbMeeting({ ...told, ...meeting }, trust, shelf)
  return { ...absorbed, codes: problems.map(({ code }) => code), shelf }
}

t.test('what is signed by those who may is absorbed, whatever the order of the credentials', async (t) => {
  const documents = {
    deliveries: [await delivery(server.identity, server.device)],
    custody: [await custody(relay.identity)],
  }
  const turned = [...credentials, issuerCredential]
  for (const order of [told.credentials, turned]) {
    const { deliveries, custody, codes } = await absorb({ ...documents, credentials: order })
    t.strictSame(
      [deliveries.map(({ jws }) => jws), custody.map(({ jws }) => jws)],
      [documents.deliveries, documents.custody],
    )
    t.strictSame(codes, [])
  }
})

t.test('deliveries and gaps count only of a server that the study names, for itself', async (t) => {
  const of = async (make: typeof delivery) => [
    await make(server.identity, server.device),
    await make(server.identity, rogue.device),
    await make(rogue.identity, server.device),
    await make(rogue.identity, rogue.device),
    await make(relay.identity, server.device),
  ]
  const { deliveries, gaps: noted, codes } = await absorb({ deliveries: await of(delivery), gaps: await of(gaps) })
  for (const documents of [deliveries, noted])
    t.strictSame(
      documents.map(({ document, signer }) => [document.server, signer.device]),
      [[server.device, server.device]],
    )
  t.strictSame(codes, ['ROLE_REFUSED', 'ROLE_REFUSED'], 'a relay may not sign them at all')
})

t.test('invariant 8: a bad document spoils nothing: each problem has its code, and the rest is absorbed', async (t) => {
  const good: Partial<Meeting> = {
    deliveries: [await delivery(server.identity, server.device)],
    custody: [await custody(relay.identity)],
  }
  const bad = [
    ...['', 'text', 'a.b.c', (await custody(relay.identity)).replace(/.{9}$/, 'AAAAAAAAA')],
    ...[await custody(field.identity), await custody(other.server.identity), other.server.identity.credential],
  ]
  const place = fc.constantFrom('credentials', 'deliveries', 'gaps', 'custody', 'manifests')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(place, fc.constantFrom(...bad), fc.boolean()), { maxLength: 12 }),
      async (jumble) => {
        const meeting: Meeting = { ...told, ...good }
        for (const [name, jws, isFirst] of jumble)
          meeting[name] = isFirst ? [jws, ...meeting[name]] : [...meeting[name], jws]
        const { deliveries, custody, gaps, manifests, codes } = await absorb(meeting)
        const counts = [deliveries, custody, gaps, manifests].map(({ length }) => length)
        return `${counts}` === '1,1,0,0' && codes.length === jumble.length && !codes.includes('UNEXPECTED')
      },
    ),
    { seed, numRuns: 100 },
  )
  t.pass(`seed ${seed}`)
})

t.test('the study document is taken if it is newer; a rival alarms, and the meeting goes on', async (t) => {
  const { shelf } = await absorb({})
  const { version } = shelf.document
  const deliveries = [await delivery(server.identity, server.device)]
  const rival = await signDocument('study', { ...shelf.document, name: 'A rival' }, study.issuer.signer)
  const conflict = await absorb({ studyDocument: rival.jws, deliveries })
  t.strictSame([conflict.codes, conflict.study, conflict.deliveries.length], [['STUDY_CONFLICT'], 'same', 1])
  const foreign = await absorb({ studyDocument: await other.publish(() => ({})), deliveries })
  t.strictSame([foreign.codes, foreign.study, foreign.deliveries.length], [['STUDY_MISMATCH'], 'same', 1])
  const newer = await study.publish(() => ({ servers: [server.device, rogue.device] }))
  const taken = await absorb({ studyDocument: newer, deliveries: [await delivery(rogue.identity, rogue.device)] })
  t.strictSame([taken.codes, taken.study, taken.deliveries.length], [[], 'newer', 1], 'and counts for the same meeting')
  t.ok(taken.shelf.document.version > version)
})

t.test('what tells nothing new is not verified; what cannot be read is told of', async (t) => {
  const { jws } = await signDocument(
    'delivery',
    {
      ...core,
      ...{ producer: relay.device, chain, through: 1, throughDigest: digest, above: [], safeThrough: 0 },
      incarnation,
      server: server.device,
    },
    { ...signerOf(server.identity), privateKey: newSigningKey() },
  )
  const own = await delivery(server.identity, server.device)
  const trust = await trustOf(server.identity)
  const shelf = await StudyShelf.open(server.data, trust)
  const meeting = { ...told, deliveries: [jws, own, 'no.document.atall'] }
  const of = (isNews?: Parameters<typeof absorbMeeting>[3]) => absorbMeeting(meeting, trust, shelf, isNews)
  const codes = ({ problems }: Awaited<ReturnType<typeof of>>) => problems.map(({ code }) => code)
  t.same(codes(await of()), ['SIGNATURE_INVALID', 'BAD_DOCUMENT'])
  const absorbed = await of(({ producer }) => producer === field.device)
  t.same(codes(absorbed), ['BAD_DOCUMENT'])
  t.same(
    absorbed.deliveries.map((verified) => verified.jws),
    [own],
  )
})
