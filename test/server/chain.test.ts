import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { signChains, signedChains } from '../../server/delivery.ts'
import { newNonce, sha256 } from '../../shared/crypto/digest.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { type CraftedBatch, changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const other = await study.enrol('field', 'lap-02')
const thabo = await study.enrol('relay', 'thabo')
const naledi = await study.enrol('relay', 'naledi')
const server = await TestServer.start(t, study.server)
const [direct, byOther, byThabo, byNaledi] = [
  server.as(lap),
  server.as(other),
  server.as(thabo),
  server.as(naledi),
] as const
for (const visitor of [direct, byOther, byThabo, byNaledi]) await visitor.meet()

async function manyOf(count: number) {
  const laptop = await server.laptop(lap)
  return {
    laptop,
    batches: (await laptop.batches(count)) as [CraftedBatch, CraftedBatch, CraftedBatch, ...CraftedBatch[]],
  }
}

function stateOf({ digest }: CraftedBatch) {
  return server.sql<{ state: string; code: string | null }>(
    'SELECT state, code FROM batches WHERE manifest_digest = ?',
    digest,
  )[0]
}

t.test('delivery names gaps as ranges, and a notice says what was never brought', async (t) => {
  const { laptop, batches } = await manyOf(7)
  for (const seq of [1, 3, 5]) await direct.push(batches[seq - 1] as CraftedBatch)
  await server.settled()
  t.match(await direct.delivery(laptop.chain), {
    ...{ through: 1, throughDigest: batches[0].digest, safeThrough: 0, producer: lap.device },
    ...{
      above: [
        [3, 3, batches[2].digest],
        [5, 5, batches[4]?.digest],
      ],
      server: study.server.device,
      incarnation: { number: 1 },
    },
  })
  t.same((await direct.gaps(laptop.chain))?.missing, [
    [2, 2],
    [4, 4],
  ])
  await direct.meet({ head: { chain: laptop.chain, seq: 7, unsealed: 12 } })
  t.match(await direct.gaps(laptop.chain), {
    missing: [
      [2, 2],
      [4, 4],
      [6, 7],
    ],
    witnessed: 7,
    unsealed: 12,
  })
  await direct.push(batches[3] as CraftedBatch)
  await direct.push(batches[1])
  await server.settled()
  t.match(await direct.delivery(laptop.chain), { through: 5, throughDigest: batches[4]?.digest, above: [] })
  t.same((await direct.gaps(laptop.chain))?.missing, [[6, 7]])
})

t.test('a notice does not miss what is here and cannot be opened', async (t) => {
  const { laptop, batches } = await manyOf(1)
  const bad = await laptop.batch([], { payload: randomBytes(64) })
  const third = await laptop.batch([])
  await direct.push(batches[0])
  await direct.push(third)
  await server.settled()
  t.same((await direct.gaps(laptop.chain))?.missing, [[2, 2]])
  await direct.push(bad)
  await server.settled()
  t.same((await direct.gaps(laptop.chain))?.missing, [])
  t.match(await direct.delivery(laptop.chain), { through: 1, above: [[3, 3, third.digest]] })
})

t.test('a batch that is opened while its chain is signed for is signed for the next time', async (t) => {
  const { laptop, batches } = await manyOf(3)
  await direct.push(batches[0])
  await direct.push(batches[2])
  await server.settled()
  await direct.meet()
  await server.opened(async ({ store, identity }) => {
    const told = () => signedChains(store).deliveries.map((jws) => readDocument(jws, 'delivery').document)
    const above = () => told().find(({ chain }) => chain === laptop.chain)?.above
    const state = store.$client.prepare('UPDATE batches SET state = ? WHERE manifest_digest = ?')
    const dirty = store.$client.prepare('UPDATE chains SET dirty = 1 WHERE chain = ?')
    state.run('held', batches[2].digest)
    dirty.run(laptop.chain)
    const signing = signChains({ store, identity, clock: systemClock })
    state.run('opened', batches[2].digest)
    dirty.run(laptop.chain)
    await signing
    await signChains({ store, identity, clock: systemClock })
    t.same(above(), [[3, 3, batches[2].digest]])
  })
})

t.test('invariant 2: a batch by many couriers at once is one batch, signed for with the same bytes', async (t) => {
  const { laptop, batches } = await manyOf(1)
  const [batch] = batches
  const paths = { thabo: (await custodyBy(thabo, batch)).jws, naledi: (await custodyBy(naledi, batch)).jws }
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => direct.push(batch)),
    ...Array.from({ length: 4 }, () => byThabo.push(batch, [paths.thabo])),
    ...Array.from({ length: 4 }, () => byNaledi.push(batch, [paths.naledi])),
  ])
  t.equal(new Set(answers).size, 1, 'one custody receipt')
  t.equal(server.sql('SELECT 1 FROM batches WHERE manifest_digest = ?', batch.digest).length, 1)
  const hops = server.sql<{ jws: string }>('SELECT jws FROM hops WHERE manifest_digest = ?', batch.digest)
  t.same(new Set(hops.map(({ jws }) => jws)), new Set([paths.thabo, paths.naledi]), 'invariant 5: both paths are kept')
  await server.settled()
  t.equal((await server.feed()).filter(({ batch: of }) => of === batch.digest).length, 1, 'opened once')
  const offered = await byThabo.offer([{ digest: batch.digest, receipt: paths.thabo }])
  t.same(offered, { wanted: [], held: [{ digest: batch.digest, custody: answers[0], delivered: true }] })
  t.match(await direct.delivery(laptop.chain), { through: 1 })
})

t.test('invariant 5: a receipt offered later joins the tree where it links, and nowhere else', async (t) => {
  const { batches } = await manyOf(2)
  const [batch, another] = batches
  await direct.push(batch)
  await direct.push(another)
  const first = await custodyBy(thabo, batch)
  const second = await custodyBy(naledi, batch, { hop: 2, prev: first.digest, from: thabo.device })
  const wrong = await custodyBy(thabo, another)
  const hops = () =>
    server.sql<{ by: string }>('SELECT by FROM hops WHERE manifest_digest = ? ORDER BY hop', batch.digest)
  t.equal((await byNaledi.offer([{ digest: batch.digest, receipt: second.jws }])).held.length, 1, 'held all the same')
  t.equal(hops().length, 0, 'the hop before it is not known')
  await byThabo.offer([{ digest: batch.digest, receipt: wrong.jws }])
  await byNaledi.offer([{ digest: batch.digest, receipt: first.jws }])
  t.equal(hops().length, 0, 'not of this batch; not of the giver')
  await byThabo.offer([{ digest: batch.digest, receipt: first.jws }])
  await byNaledi.offer([{ digest: batch.digest, receipt: second.jws }])
  t.same(
    hops().map(({ by }) => by),
    [thabo.device, naledi.device],
  )
})

t.test('fork: both branches are held from there, and what was delivered stays', async (t) => {
  const { laptop, batches } = await manyOf(3)
  for (const batch of batches) await direct.push(batch)
  await server.settled()
  const twin = await laptop.batch([changeLine({ id: `twin-${laptop.chain}` })], { seq: 2, previous: batches[0].digest })
  t.ok(await byThabo.push(twin, [(await custodyBy(thabo, twin)).jws]), 'the other branch is stored and signed for')
  const fourth = await laptop.batch([changeLine({ id: `fourth-${laptop.chain}` })])
  t.ok(await direct.push(fourth))
  const onTwin = await laptop.batch([], { seq: 3, previous: twin.digest })
  t.ok(await direct.push(onTwin), 'what follows the other branch too')
  const { alarms, chains } = await server.settled()
  for (const batch of [twin, fourth, onTwin]) t.same(stateOf(batch), { state: 'held', code: 'BATCH_CONFLICT' })
  t.same(
    batches.map((batch) => stateOf(batch)?.state),
    ['opened', 'opened', 'opened'],
    'what was opened stays',
  )
  t.match(await direct.delivery(laptop.chain), { through: 3, throughDigest: batches[2].digest, above: [] })
  t.ok(
    alarms.some((alarm) => alarm.includes(laptop.chain.slice(0, 8))),
    'an alarm names it',
  )
  t.equal(chains.find(({ chain }) => chain === laptop.chain)?.forkAt, 2)
  const ids = (await server.feed()).map(({ change }) => (change as { id: string }).id)
  t.notOk(
    ids.some((id) => id.startsWith('twin') || id.startsWith('fourth')),
    'nothing of either branch is opened',
  )
})

t.test('fork: `through` never moves into it when an earlier gap is filled', async (t) => {
  const { laptop, batches } = await manyOf(3)
  await direct.push(batches[0])
  await direct.push(batches[2])
  await server.settled()
  await direct.push(await laptop.batch([], { seq: 3, previous: batches[1].digest }))
  await direct.push(batches[1])
  await server.settled()
  t.match(
    await direct.delivery(laptop.chain),
    { through: 2, throughDigest: batches[1].digest, above: [] },
    'nor names a number that two claim',
  )
})

t.test('house rule 14: at most 1,024 batches ahead of a gap', async (t) => {
  const laptop = await server.laptop(lap)
  const at = (seq: number) => laptop.batch([], { seq, previous: sha256(String(seq)) })
  await refused(t, direct.push(await at(1026)), 'QUOTA_EXCEEDED', 'number 1 is missing')
  t.ok(await direct.push(await at(1025)))
  await refused(t, direct.push(await at(Number.MAX_SAFE_INTEGER)), 'QUOTA_EXCEEDED', 'nor at the end of all numbers')
})

t.test('invariant 8: what could not be opened is no gap', async (t) => {
  const laptop = await server.laptop(lap)
  const first = await laptop.batch([], { payload: randomBytes(10) })
  await direct.push(first)
  await server.settled()
  server.sql(
    `WITH RECURSIVE n(seq) AS (SELECT 2 UNION ALL SELECT n.seq + 1 FROM n WHERE n.seq < 2000)
     INSERT INTO batches (manifest_digest, manifest, producer, chain, seq, previous, payload_digest, payload_size, changes, custody,
       ingested_at, state) SELECT printf('%064x', n.seq), '', producer, chain, n.seq, NULL, '', 1, 1, '', '', 'opened'
     FROM batches, n WHERE manifest_digest = ?`,
    first.digest,
  )
  const next = await laptop.batch([], { seq: 2001, previous: (2000).toString(16).padStart(64, '0') })
  t.ok(await direct.push(next), 'number 2,001, while number 1 cannot be opened')
  server.sql("DELETE FROM batches WHERE chain = ? AND manifest = ''", laptop.chain)
})

t.test('house rule 14: a laptop begins only so many chains, and its word alone counts less', async (t) => {
  for (let count = 0; count < 40; count += 1)
    await byOther.meet({ head: { chain: newNonce(), seq: 9_000, unsealed: 0 } })
  const heard = server.sql('SELECT 1 FROM chains WHERE producer = ?', other.device).length
  t.ok(heard > 0 && heard <= 16, `${heard} chains of 40 that it spoke of`)
  const laptop = await server.laptop(other)
  const begin = async (index: number) =>
    byOther.push(await laptop.batch([], { chain: sha256(String(index)).slice(0, 32), seq: 1, previous: null }))
  for (let index = 0; index < 64; index += 1) await begin(index)
  await refused(t, begin(64), 'QUOTA_EXCEEDED', 'the 65th')
  t.ok(await direct.push((await manyOf(1)).batches[0]), 'others are not hurt')
})

t.test(
  'house rule 14: so many bytes a producer, also when they come at once; nothing stays of what is refused',
  async (t) => {
    const version = readDocument(
      await study.publish(({ limits }) => ({ limits: { ...limits, producerBytes: 1_048_576 } })),
      'study',
    )
    await direct.untilStudy(version.document.version)
    const before = server.sql<{ bytes: number }>(
      "SELECT coalesce(sum(payload_size), 0) bytes FROM batches WHERE producer = ? AND state IN ('held', 'quarantined')",
      lap.device,
    )[0]?.bytes
    const laptop = await server.laptop(lap)
    const large = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        laptop.batch([], {
          chain: sha256(`b${index}`).slice(0, 32),
          seq: 1,
          previous: null,
          payload: randomBytes(300_000),
        }),
      ),
    )
    const results = await Promise.allSettled(large.map((batch) => direct.push(batch)))
    const taken = results.filter(({ status }) => status === 'fulfilled').length
    t.equal(taken, Math.floor((1_048_576 - (before ?? 0)) / 300_000))
    for (const result of results) if (result.status === 'rejected') t.match(result.reason, { code: 'QUOTA_EXCEEDED' })
    await server.settled()
    const files = readdirSync(join(study.server.data, 'payloads'), { recursive: true }).map(String)
    for (const [index, batch] of large.entries())
      t.equal(
        files.some((name) => name.includes(batch.document.payload.digest)),
        results[index]?.status === 'fulfilled',
      )
    t.ok(await server.as(other).meet(), 'and others go on')
  },
)

t.test('all of it verifies', async (t) => {
  t.ok((await server.verify()) > 0)
})
