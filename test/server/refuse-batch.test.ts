import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { newNonce, sha256 } from '../../shared/crypto/digest.ts'
import { maxPayloadBytes } from '../../shared/protocol/payload.ts'
import { type CraftedBatch, credentialsOf, custodyBy, frameOf } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const [lap, other, thabo, naledi] = [
  await study.enrol('field', 'lap-01'),
  await study.enrol('field', 'lap-02'),
  await study.enrol('relay', 'thabo'),
  await study.enrol('relay', 'naledi'),
]
const server = await TestServer.start(t, study.server)
const [direct, byOther, byThabo, byNaledi] = [lap, other, thabo, naledi].map((device) => server.as(device)) as [
  ReturnType<typeof server.as>,
  ReturnType<typeof server.as>,
  ReturnType<typeof server.as>,
  ReturnType<typeof server.as>,
]

/** Nothing of it is kept: neither a row nor a file. */
function notKept(t: Tap, { digest, document }: CraftedBatch): void {
  const rows = server.sql('SELECT 1 FROM batches WHERE manifest_digest = ?', digest)
  t.equal(rows.length, 0, 'no batch is stored')
  const files = readdirSync(join(study.server.data, 'payloads'), { recursive: true }).map(String)
  t.notOk(
    files.some((name) => name.includes(document.payload.digest)),
    'no payload is stored',
  )
}
type Tap = Parameters<typeof refused>[0]

/** One byte flipped: in the year of the document's time, so that it still reads well, or in the signature. */
function flip(jws: string, where: 'document' | 'signature'): string {
  const parts = jws.split('.')
  const part = where === 'document' ? 1 : 2
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  const place = where === 'document' ? bytes.indexOf('2026') + 3 : 20
  bytes[place] = (bytes[place] ?? 0) ^ 1
  parts[part] = bytes.toString('base64url')
  return parts.join('.')
}

// Everyone is known here, and the honest way works: a refusal is for what the test says.
for (const visitor of [direct, byOther, byThabo, byNaledi]) await visitor.meet()
const first = await (await server.laptop(lap)).batch([])
await direct.push(first)

t.test('invariant 4: a flipped byte is not signed for', async (t) => {
  const laptop = await server.laptop(lap)
  const batch = await laptop.batch([])
  const bent = Buffer.from(batch.payload)
  bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
  await refused(t, direct.push({ ...batch, payload: bent }), 'DIGEST_MISMATCH', 'in the payload')
  const short = batch.payload.subarray(1)
  await refused(t, direct.push({ ...batch, payload: short }), 'DIGEST_MISMATCH', 'a payload that is cut')
  await refused(
    t,
    direct.push({ ...batch, manifest: flip(batch.manifest, 'signature') }),
    'SIGNATURE_INVALID',
    'in the signature',
  )
  await refused(
    t,
    direct.push({ ...batch, manifest: flip(batch.manifest, 'document') }),
    'SIGNATURE_INVALID',
    'in the manifest',
  )
  notKept(t, batch)
  const { jws } = await custodyBy(thabo, batch)
  await refused(t, byThabo.push(batch, [flip(jws, 'signature')]), 'SIGNATURE_INVALID', "in a receipt's signature")
  await refused(t, byThabo.push(batch, [flip(jws, 'document')]), 'SIGNATURE_INVALID', 'in a receipt')
  notKept(t, batch)
})

t.test('invariant 5: a custody path with a break is refused', async (t) => {
  const laptop = await server.laptop(lap)
  const [batch, twin] = [await laptop.batch([]), await laptop.batch([])]
  const hop1 = await custodyBy(thabo, batch)
  const broken = (path: string[], why: string) => refused(t, byThabo.push(batch, path), 'PROVENANCE_BROKEN', why)
  await broken([], 'no receipt by the giver')
  await broken([(await custodyBy(naledi, batch)).jws], 'the receipt of another courier than the giver')
  await broken([(await custodyBy(thabo, batch, {}, naledi)).jws], 'signed by another than it names')
  await broken([(await custodyBy(thabo, twin)).jws], 'for another manifest')
  await broken([(await custodyBy(thabo, batch, { hop: 2 })).jws], 'a hop is skipped')
  await broken([(await custodyBy(thabo, batch, { from: other.device })).jws], 'from another than the producer')
  await broken([(await custodyBy(thabo, batch, { prev: twin.digest })).jws], 'linked to another manifest')
  const wrongLink = await custodyBy(thabo, batch, { hop: 2, prev: batch.digest, from: naledi.device })
  await broken([(await custodyBy(naledi, batch)).jws, wrongLink.jws], 'the second hop not linked to the first')
  await broken([hop1.jws, hop1.jws], 'one hop given twice')
  const bySelf = await custodyBy(lap, batch)
  await refused(t, direct.push(batch, [bySelf.jws]), 'ROLE_REFUSED', 'a field laptop signs no custody')
  notKept(t, batch)

  const second = await custodyBy(naledi, batch, { hop: 2, prev: hop1.digest, from: thabo.device })
  t.ok(await byNaledi.push(batch, [hop1.jws, second.jws]), 'two hops that link are taken')
})

t.test('invariant 7: nobody gives what is not theirs to give', async (t) => {
  const batch = await (await server.laptop(lap)).batch([])
  await refused(t, byOther.push(batch), 'PROVENANCE_BROKEN', "a laptop with another laptop's batch")
  const byRelay = await (await server.laptop(thabo)).batch([])
  await refused(t, byThabo.push(byRelay), 'ROLE_REFUSED', 'a relay with a manifest of its own')
  const forged = await (await server.laptop(lap)).batch([], { signer: other })
  await refused(t, byOther.push(forged), 'SIGNATURE_INVALID', 'a manifest in the name of another laptop')
  const claimed = await (await server.laptop(lap)).batch([], { manifest: { study: 'f'.repeat(64) } })
  await refused(t, direct.push(claimed), 'STUDY_MISMATCH', 'a manifest of another study')
  for (const one of [batch, byRelay, forged, claimed]) notKept(t, one)
})

t.test('invariant 7: the documents of another study are not believed', async (t) => {
  const foreign = await foundTestStudy()
  t.teardown(() => foreign.dispose())
  const stranger = await foreign.enrol('field', 'lap-99')
  const batch = await (await server.laptop(stranger)).batch([])
  const path = [(await custodyBy(thabo, { ...batch, document: { ...batch.document, producer: stranger.device } })).jws]
  await refused(t, byThabo.push(batch, path), 'STUDY_MISMATCH', "a foreign producer's batch by our courier")
  const unknown = { credentials: credentialsOf(thabo) }
  await refused(t, byThabo.push(batch, path, unknown), 'CREDENTIAL_REFUSED', 'without its credential')
  notKept(t, batch)
})

t.test('a manifest out of chain is refused', async (t) => {
  const laptop = await server.laptop(lap)
  const broken = (batch: CraftedBatch, why: string) => refused(t, direct.push(batch), 'CHAIN_BROKEN', why)
  await broken(await laptop.batch([], { seq: 1, previous: sha256('') }), 'number 1 with a predecessor')
  await broken(await laptop.batch([], { seq: 2, previous: null }), 'number 2 without one')
  const [one, two, three] = await laptop.batches(3)
  if (!one || !two || !three) return t.fail('three batches')
  await direct.push(one)
  await broken(await laptop.batch([], { seq: 2, previous: sha256('') }), 'another predecessor than the one held')
  const continues = { chain: newNonce(), seq: 3, digest: sha256('') }
  const late = await laptop.batch([], { seq: 2, previous: one.digest, manifest: { continues } })
  await broken(late, 'number 2 that claims to begin a chain')
  const own = { chain: laptop.chain, seq: 1, digest: one.digest }
  await broken(
    await laptop.batch([], { seq: 1, previous: null, manifest: { continues: own } }),
    'that continues itself',
  )
  await direct.push(three)
  await broken(await laptop.batch(['x'], { seq: 2, previous: one.digest }), 'not what the next one names')
  await direct.push(two)
  t.equal((await server.settled()).chains.find(({ chain }) => chain === laptop.chain)?.through, 3, 'gap, then fill')
})

t.test('frames and offers that are none', async (t) => {
  const batch = await (await server.laptop(lap)).batch([])
  await refused(t, direct.frame(Buffer.from('{}')), 'BAD_DOCUMENT', 'no head line')
  await refused(t, direct.frame(Buffer.from('{"v":1}\n')), 'BAD_DOCUMENT', 'an incomplete head')
  // The answer comes before all is sent, and that connection ends: the next request must not be on its way over it.
  await refused(t, server.as(lap).frame(Buffer.alloc(4_000_000, 32)), 'BAD_DOCUMENT', 'a head line without an end')
  const large = frameOf(batch, [], { size: maxPayloadBytes + 1 })
  await refused(t, direct.frame(large), 'BAD_DOCUMENT', 'larger than a batch may be')
  await refused(
    t,
    direct.frame(frameOf({ ...batch, payload: batch.payload.subarray(0, 1) })),
    'DIGEST_MISMATCH',
    'a size that its manifest does not say',
  )
  const more = frameOf(batch, [], { note: 'x' } as object)
  await refused(t, direct.frame(more), 'BAD_DOCUMENT', 'an unknown field')
  await refused(t, direct.offer([{ digest: '../../etc', receipt: null }]), 'BAD_REQUEST', 'no digest')
})

t.test('invariant 8: of many in one request, a bad one spoils no other, wherever it stands', async (t) => {
  const laptop = await server.laptop(lap)
  const batches = await laptop.batches(40)
  const foreign = await laptop.batch([], { seq: 50, previous: null })
  const flipped = { ...(batches[20] as CraftedBatch), payload: Buffer.alloc(batches[20]?.payload.length ?? 0) }
  const frames = batches.map((batch) => frameOf(batch === batches[20] ? flipped : batch))
  frames.splice(5, 0, frameOf(foreign))
  const { taken, refused } = await direct.frames(...frames)
  t.same(
    new Map(refused.map(({ digest, code }) => [digest, code])),
    new Map([
      [foreign.digest, 'CHAIN_BROKEN'],
      [batches[20]?.digest, 'DIGEST_MISMATCH'],
    ]),
  )
  t.equal(taken.length, 39, 'those before and those after')
  const again = await direct.frames(...batches.map((batch) => frameOf(batch)))
  const custody = new Map(again.taken.map((told) => [told.digest, told.custody]))
  t.equal(custody.size, 40, 'the whole one is taken')
  t.same(
    taken.filter((told) => custody.get(told.digest) !== told.custody),
    [],
    'invariant 2: the same bytes again',
  )
  t.equal(await direct.push(batches[20] as CraftedBatch), custody.get(String(batches[20]?.digest)))
})

t.test('what came whole is kept though the rest breaks off', async (t) => {
  const laptop = await server.laptop(lap)
  const batches = await laptop.batches(3)
  const frames = batches.map((batch) => frameOf(batch))
  const cut = Buffer.concat(frames).subarray(0, -10)
  await refused(t, direct.frames(cut), 'PEER_UNREACHABLE', 'the last breaks off')
  const { wanted, held } = await direct.offer(batches.map(({ digest }) => ({ digest, receipt: null })))
  t.same([held.map(({ digest }) => digest), wanted], [[batches[0]?.digest, batches[1]?.digest], [batches[2]?.digest]])
  const offset = (batches[0]?.payload.length ?? 0) - 1
  const spoilt = Buffer.concat([...frames.slice(2), Buffer.alloc(offset, 32)])
  await refused(t, direct.frames(spoilt), 'BAD_DOCUMENT', 'no frame follows')
  t.equal((await direct.offer([{ digest: batches[2]?.digest ?? '', receipt: null }])).held.length, 1)
})
