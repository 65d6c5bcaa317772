import canonicalize from 'canonicalize'
import t from 'tap'
import { newNonce } from '../../shared/crypto/digest.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import type { SignedDocument } from '../../shared/crypto/sign-document.ts'
import { TakenHandovers } from '../../shared/protocol/given-handovers.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { changeLine, credentialsOf } from '../fixtures/craft-batch.ts'
import { craftHandover, craftSignature } from '../fixtures/craft-handover.ts'
import { refused, TestServer, type Visitor } from '../fixtures/server-run.ts'
import { foundTestStudy, trustOf } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const other = await study.enrol('field', 'lap-02')
const thabo = await study.enrol('relay', 'thabo')
const naledi = await study.enrol('relay', 'naledi')
const server = await TestServer.start(t, study.server)
const byThabo = server.as(thabo)
const pair = { giver: lap, taker: thabo }
const credentials = [lap, thabo].flatMap(credentialsOf)

const give = (visitor: Visitor, documents: SignedDocument[], shown = credentials) =>
  visitor.json(
    paths.handovers,
    { v: 1, documents: documents.map(({ jws }) => jws), credentials: shown },
    TakenHandovers,
  )
const stored = () =>
  [
    ...server.sql<{ digest: string }>('SELECT digest FROM handovers ORDER BY rowid'),
    ...server.sql<{ digest: string }>('SELECT digest FROM handover_signatures ORDER BY rowid'),
  ].map(({ digest }) => digest)
const handovers = async () => (await server.status()).handovers

t.test('what a courier brings is stored once and signed for, again and again', async (t) => {
  const handover = await craftHandover(pair)
  const [mine, yours] = [await craftSignature(lap, handover.digest), await craftSignature(thabo, handover.digest)]
  const first = await give(byThabo, [handover, yours])
  t.same(first.refused, [])
  t.same(await handovers(), {
    open: 0,
    signedByOne: 1,
    signed: 0,
    atServer: 1,
    tubes: [{ device: lap.device, tubes: 1 }],
  })
  const again = await give(byThabo, [yours, mine, handover, handover])
  const { document, signer } = await (await trustOf(study.server.identity)).verify(
    again.receipt ?? '',
    'handoverReceipt',
  )
  t.equal(signer.device, study.server.device)
  t.match(document, { server: study.server.device, documents: [yours.digest, mine.digest, handover.digest] })
  t.same(stored(), [handover.digest, yours.digest, mine.digest], 'each once')
  t.same(await handovers(), {
    open: 0,
    signedByOne: 0,
    signed: 1,
    atServer: 1,
    tubes: [{ device: lap.device, tubes: 1 }],
  })
  t.equal(await server.verify(), 0)
})

t.test('both laptops wrote the same down, and each signed its own', async (t) => {
  const id = newNonce()
  const [his, hers] = [
    await craftHandover(pair, { id }),
    await craftHandover({ ...pair, signer: lap }, { id, temperature: null }),
  ]
  const before = await handovers()
  await give(byThabo, [his, hers, await craftSignature(thabo, his.digest), await craftSignature(lap, hers.digest)])
  t.equal((await handovers()).signed, before.signed + 1)
  const other = await craftHandover({ ...pair, signer: lap }, { id, revision: 2, temperature: 9 })
  await give(byThabo, [other, await craftSignature(lap, other.digest)])
  t.match(await handovers(), { signed: before.signed, signedByOne: before.signedByOne + 1 }, 'and one went on')
})

t.test('a bad one is refused by its name and spoils nothing', async (t) => {
  const before = stored().length
  const good = await craftHandover(pair)
  const { jws, digest } = await craftHandover(pair)
  const bent = { jws: `${jws.slice(0, -6)}${jws.at(-6) === 'A' ? 'B' : 'A'}${jws.slice(-5)}`, digest }
  const others = await craftHandover({ ...pair, signer: naledi })
  const swapped = await craftHandover({ giver: thabo, taker: lap, signer: lap })
  const forged = await craftSignature(naledi, good.digest, { by: thabo.device })
  const handing = await craftSignature(thabo, good.digest, { meaning: 'handedOver' })
  const shown = [...credentials, ...credentialsOf(naledi)]
  const told = await give(byThabo, [bent, others, swapped, forged, handing, good], shown)
  t.same(
    told.refused.map(({ code }) => code),
    ['SIGNATURE_INVALID', 'ROLE_REFUSED', 'ROLE_REFUSED', 'ROLE_REFUSED', 'ROLE_REFUSED'],
  )
  t.same(readDocument(told.receipt ?? '', 'handoverReceipt').document.documents, [good.digest])
  t.equal(stored().length, before + 1)
  const credential = await give(byThabo, [{ jws: lap.identity.credential, digest: '' }])
  t.same([credential.receipt, credential.refused[0]?.code], [null, 'BAD_DOCUMENT'])
})

t.test('a signer who is not known, or who was revoked', async (t) => {
  const sipho = await study.enrol('relay', 'sipho')
  const handover = await craftHandover({ giver: other, taker: sipho })
  const unknown = await give(byThabo, [handover], [])
  t.same(
    unknown.refused.map(({ code }) => code),
    ['CREDENTIAL_REFUSED'],
  )
  const taken = await give(byThabo, [handover], [sipho.identity.credential, ...credentialsOf(sipho)])
  t.same(taken.refused, [], 'with the credential, in whatever order')
  const revocation = { device: sipho.device, chains: [], reason: 'lost' }
  await study.publish(({ revocations }) => ({ revocations: [...revocations, revocation] }))
  await byThabo.untilStudy(await server.opened(({ shelf }) => shelf.document.version))
  const later = await craftHandover({ giver: other, taker: sipho })
  t.same(
    (await give(byThabo, [later], credentialsOf(sipho))).refused.map(({ code }) => code),
    ['REVOKED'],
  )
})

t.test('invariant 7: only a courier gives handovers here', async (t) => {
  const handover = await craftHandover(pair)
  await refused(t, give(server.as(lap), [handover]), 'ROLE_REFUSED', 'a field laptop')
  await refused(
    t,
    byThabo.json(paths.handovers, { v: 1, documents: [], credentials: [], more: 1 }, TakenHandovers),
    'BAD_REQUEST',
    'an unknown field',
  )
})

t.test('in a batch: documents after the changes, or nothing else; both ways end with one copy', async (t) => {
  const laptop = await server.laptop(lap)
  const handover = await craftHandover(pair)
  const signature = await craftSignature(lap, handover.digest)
  const wrapped = (jws: string) => String(canonicalize({ document: jws }))
  const riding = [...credentialsOf(thabo), handover.jws, signature.jws]
  const digests = riding.map((jws) => readDocument(jws, kindOf(jws)).digest)
  await give(byThabo, [handover])
  const lines = [changeLine({ id: 'with-handover' }), ...riding.map(wrapped)]
  await server.as(lap).push(await laptop.batch(lines, { manifest: { changes: 1, handovers: digests } }))
  const later = await craftSignature(thabo, handover.digest)
  const alone = { changes: 0, handovers: [later.digest] }
  await server.as(lap).push(await laptop.batch([wrapped(later.jws)], { manifest: alone }))
  const { counts, aside } = await server.settled()
  t.same([aside, counts.badLines, counts.changes], [[], 0, 1])
  for (const { digest } of [handover, signature, later])
    t.equal(stored().filter((one) => one === digest).length, 1, 'one copy')
  t.equal(await server.verify(), 2)
})

t.test('in a batch: what is not as it was told is a bad line, or the batch is set aside', async (t) => {
  const laptop = await server.laptop(other)
  const wrapped = (jws: string) => String(canonicalize({ document: jws }))
  const [one, two] = [await craftHandover({ ...pair, giver: other }), await craftHandover({ ...pair, signer: lap })]
  const forged = await craftHandover({ giver: lap, taker: thabo, signer: other })
  const spoiled = [
    wrapped(one.jws),
    wrapped(two.jws),
    wrapped(forged.jws),
    '{"document":"no"}',
    'nothing',
    wrapped(two.jws),
  ]
  const digests = [two.digest, two.digest, forged.digest, one.digest, one.digest, two.digest]
  const manifest = { changes: 1, handovers: digests }
  const batch = await laptop.batch([changeLine({ id: 'spoils-nothing' }), ...spoiled], { manifest })
  await server.as(other).push(batch)
  const short = await laptop.batch([changeLine({ id: 'short' })], { manifest: { changes: 1, handovers: [one.digest] } })
  await server.as(other).push(short)
  const { aside } = await server.settled()
  t.match(aside, [{ batch: short.digest, code: 'PAYLOAD_REFUSED' }])
  t.same(server.sql('SELECT number, code FROM bad_lines WHERE manifest_digest = ? ORDER BY number', batch.digest), [
    { number: 2, code: 'DIGEST_MISMATCH' },
    { number: 4, code: 'ROLE_REFUSED' },
    { number: 5, code: 'BAD_DOCUMENT' },
    { number: 6, code: 'BAD_DOCUMENT' },
  ])
  t.ok((await server.feed()).some(({ change }) => (change as { id: string }).id === 'spoils-nothing'))
  t.notOk(stored().includes(one.digest))
  t.ok(stored().includes(two.digest))
  t.ok((await server.verify()) > 0)
})

t.test('verify finds a flipped byte, a moved document and one that is gone', async (t) => {
  const spoil = async (spoiling: string, mending: string, why: string | RegExp) => {
    server.sql(spoiling)
    await t.rejects(server.verify(), { message: why })
    server.sql(mending)
    t.ok((await server.verify()) > 0)
  }
  const swap = (table: string) =>
    `UPDATE ${table} SET jws = substr(jws, 1, length(jws) - 6) || CASE substr(jws, -6, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(jws, -5)
     WHERE rowid = 1`
  const [{ jws: kept } = { jws: '' }] = server.sql<{ jws: string }>('SELECT jws FROM handovers WHERE rowid = 1')
  await spoil(swap('handovers'), `UPDATE handovers SET jws = '${kept}' WHERE rowid = 1`, /signature does not verify/)
  await spoil(
    'UPDATE handovers SET revision = revision + 1 WHERE rowid = 1',
    'UPDATE handovers SET revision = revision - 1 WHERE rowid = 1',
    /not of the place/,
  )
  server.sql('CREATE TABLE kept AS SELECT * FROM handover_signatures')
  const isSealed = 'handover IN (SELECT digest FROM handovers)'
  await spoil(
    `DELETE FROM handover_signatures WHERE ${isSealed}`,
    'INSERT OR IGNORE INTO handover_signatures SELECT * FROM kept',
    /not stored as it was sealed/,
  )
  server.sql('DROP TABLE kept')
})

function kindOf(jws: string): 'credential' | 'handover' | 'signature' {
  const { typ } = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString())
  return typ.replace('waybill-', '')
}
