import { randomBytes } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { backUp } from '../../server/backup.ts'
import { type DecidedOnBatch, refuseBatch, releaseBatch } from '../../server/decide-batches.ts'
import { decide } from '../../server/own-chain.ts'
import { listWaiting, type WaitingBatch } from '../../server/waiting-batches.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { type CraftedBatch, changeLine, custodyBy } from '../fixtures/craft-batch.ts'
import { edit, forkedChain } from '../fixtures/forked-chain.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(300_000)

const naledi = { user: 'naledi', reason: 'both laptops were seen' }
const thabo = { user: 'thabo', reason: 'that one was cloned' }

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const relay = await study.enrol('relay', 'thabo')
  await study.publish(() => ({ models: { 'clinic.visit': { label: 'Visit' } } }))
  const server = await TestServer.start(t, study.server)
  const direct = server.as(lap)
  await direct.meet()
  return { study, lap, relay, server, direct, ...deciding(server) }
}

function deciding(server: TestServer) {
  const release = (batch: CraftedBatch, through?: CraftedBatch, who = naledi): Promise<DecidedOnBatch> =>
    server.opened((opened) => releaseBatch({ ...opened, clock: systemClock }, who, batch.digest, through?.digest))
  const refuse = (batch: CraftedBatch, who = thabo): Promise<DecidedOnBatch> =>
    server.opened((opened) => refuseBatch({ ...opened, clock: systemClock }, who, batch.digest))
  const list = (state?: 'held' | 'quarantined' | 'refused'): Promise<WaitingBatch[]> =>
    server.opened((opened) => Array.fromAsync(listWaiting(opened, state)))
  const states = (...batches: CraftedBatch[]) =>
    batches.map(
      ({ digest }) =>
        server.sql<{ state: string }>('SELECT state FROM batches WHERE manifest_digest = ?', digest)[0]?.state,
    )
  /** Waits until what was decided is applied, and what it released is opened and applied. */
  const settled = async () => {
    await until('no decision waits', async () => {
      const own = "SELECT 1 FROM batches WHERE producer = ? AND state = 'ingested'"
      return server.sql(own, server.device.device).length === 0
    })
    return server.settled()
  }
  return { release, refuse, list, states, settled }
}

/** The ids of the versions of a record, the one that is shown first among them. */
async function headsOf(server: TestServer, pk: string): Promise<string[]> {
  const digests = new Set(
    server
      .sql<{ digest: string }>(
        `SELECT lower(hex(c.digest)) digest FROM records r JOIN changes c ON c.record = r.ordinal
         WHERE r.pk = ? AND (c.position = r.shown OR (r.conflict = 1 AND c.position IN
         (SELECT change FROM heads WHERE record = r.ordinal)))`,
        pk,
      )
      .map(({ digest }) => digest),
  )
  const places = server.sql<{ digest: string; position: number }>(
    'SELECT lower(hex(digest)) digest, position FROM changes',
  )
  const at = new Map(places.map(({ digest, position }) => [position, digest]))
  const feed = await server.feed()
  return feed
    .filter(({ cursor }) => digests.has(at.get(Number(cursor.split('.')[1])) ?? ''))
    .map(({ change }) => (change as { id: string }).id)
    .sort()
}

t.test(
  'Releases 1 to 4: one branch is released: opened, applied, delivered along that branch; the other waits, and is refused',
  async (t) => {
    const { lap, relay, server, direct, release, refuse, list, states, settled } = await begin(t)
    const { laptop, trunk, a, b } = await forkedChain(server, lap)
    for (const batch of [...trunk, a[0]]) await direct.push(batch)
    await server.settled()
    await server.as(relay).meet()
    await server.as(relay).push(b[0], [(await custodyBy(relay, b[0])).jws])
    await direct.push(b[1])
    await direct.push(a[1])
    await server.settled()
    t.match(await list(), [
      {
        digest: b[0].digest,
        seq: 3,
        code: 'BATCH_CONFLICT',
        courier: 'thabo',
        producerName: 'lap-01',
        branch: b[0].digest,
        decided: null,
      },
      { digest: b[1].digest, seq: 4, branch: b[0].digest, courier: null },
      { digest: a[1].digest, seq: 4, branch: a[0].digest },
    ])
    t.match(await direct.delivery(laptop.chain), { through: 3, throughDigest: a[0].digest, above: [] })
    const decided = await release(a[1])
    t.match(decided, { follow: [], through: null })
    await refused(t, release(a[1], undefined, thabo), 'ALREADY_DECIDED', 'who decides second is told so')
    await settled()
    t.same(states(...a, ...b), ['opened', 'opened', 'held', 'held'])
    t.match(await direct.delivery(laptop.chain), { through: 4, throughDigest: a[1].digest, safeThrough: 0 })
    t.same(await headsOf(server, 'p'), ['a4'])
    await refused(t, release(a[1]), 'ALREADY_DECIDED', 'it is released')
    await refused(t, release(b[1]), 'BAD_ARGUMENT', 'the one before it waits')
    t.equal((await server.status()).alarms.length, 1, 'a branch waits')
    t.match(await refuse(b[0]), { follow: [{ seq: 4 }] })
    await settled()
    t.same(states(...b), ['refused', 'refused'])
    t.match(await list('refused'), [
      { seq: 3, refused: { ...thabo, decision: 'refuse', batch: b[0].digest } },
      { seq: 4, refused: { user: 'thabo' } },
    ])
    await refused(t, refuse(b[0]), 'ALREADY_DECIDED', 'it is refused')
    const { counts, alarms } = await server.status()
    t.match(counts, { held: { batches: 0 }, refused: { batches: 2, changes: 3 } })
    t.same(alarms, [], 'nothing waits any more')
    const next = await laptop.batch([edit('a5', 'p')])
    await direct.push(next)
    await server.settled()
    t.same(states(next), ['opened'], 'what comes later on the released branch is not held')
    t.match(await direct.delivery(laptop.chain), { through: 5, throughDigest: next.digest })
    t.equal(await server.verify(), 9)
  },
)

t.test(
  'Releases 1 and 2, invariant 3: both branches released, in whatever order all came: neither supersedes the other',
  async (t) => {
    const { lap, server, direct, list, states, settled, release } = await begin(t)
    const made = async (order: string, at: number) => {
      const { laptop, clone, trunk, a, b } = await forkedChain(server, lap, `${at}-`)
      const [a2, b2] = [
        await laptop.batch([edit(`${at}-a5`, `${at}-q`)]),
        await clone.batch([edit(`${at}-b5`, `${at}-p`)]),
      ]
      const steps = {
        trunk,
        a: [...a, a2],
        b: [...b, b2],
        a0: [a[0]],
        a1: [a[1]],
        a2: [a2],
        b0: [b[0]],
        b1: [b[1]],
        b2: [b2],
      }
      return { order, at, laptop, steps, last: [a2, b2], all: [...trunk, ...steps.a, ...steps.b] }
    }
    const orders = [
      'trunk a b r',
      'b a trunk r',
      'a trunk b r',
      'a0 b0 r b2 b1 trunk a1 a2',
      'trunk a0 b0 b2 r b1 a1 a2',
    ]
    const worlds = await Promise.all(orders.map(made))
    /** The first that waits of each branch of each chain; what waits behind it comes along, or waits for the next time. */
    const releaseFirsts = async (of: typeof worlds) => {
      const met = new Set<string>()
      for (const { digest, branch, chain } of await list('held')) {
        const batch = of.flatMap(({ all }) => all).find((one) => one.digest === digest)
        if (!batch || met.has(`${chain} ${branch}`)) continue
        met.add(`${chain} ${branch}`)
        await release(batch)
      }
      await settled()
      return met.size
    }
    for (let turn = 0; turn < 8; turn += 1) {
      for (const { order, steps } of worlds)
        for (const batch of steps[(order.split(' ')[turn] ?? 'r') as 'a'] ?? []) await direct.push(batch)
      await settled()
      await releaseFirsts(worlds.filter(({ order }) => order.split(' ')[turn] === 'r'))
    }
    while ((await releaseFirsts(worlds)) > 0);
    for (const { order, at, laptop, last, all } of worlds) {
      t.same(states(...all), Array(8).fill('opened'), order)
      t.same(await headsOf(server, `${at}-p`), [`${at}-a4`, `${at}-b5`], `${order}: two versions, one of each branch`)
      t.same(await headsOf(server, `${at}-q`), [`${at}-a5`, `${at}-b3q`], `${order}: and of the other record`)
      const { through, throughDigest, above } = (await direct.delivery(laptop.chain)) ?? {}
      t.same([through, above], [5, []], `${order}: delivered along one branch`)
      t.ok(last.map(({ digest }) => digest).includes(String(throughDigest)), `${order}: which the receipt names`)
    }
    t.ok((await server.verify()) > 40)
  },
)

t.test('Releases 1 and 5: a decision that comes before its batch, or twice, counts when that comes', async (t) => {
  const { lap, server, direct, states, settled, list } = await begin(t)
  const { trunk, a, b } = await forkedChain(server, lap)
  const made = (model: string, { digest }: CraftedBatch) =>
    server.opened((opened) =>
      decide({ ...opened, clock: systemClock }, naledi, () => ({
        ...{
          model,
          action: 'insert',
          pk: digest,
          naturalKey: [],
          base: [],
          fields: { batch: digest, reason: 'early' },
        },
      })),
    )
  for (let twice = 0; twice < 2; twice += 1) await made('waybill.release', a[0])
  await made('waybill.refuse', b[0])
  await settled()
  for (const batch of [...trunk, ...b]) await direct.push(batch)
  await settled()
  for (const batch of a) await direct.push(batch)
  await settled()
  t.same(states(...a), ['opened', 'opened'])
  t.same(states(...b), ['opened', 'opened'], 'what was opened before the fork was known stays')
  const { a: c, b: d, trunk: other } = await forkedChain(server, lap, 'c')
  await made('waybill.release', c[0])
  await made('waybill.refuse', d[0])
  await settled()
  for (const batch of [...other, c[0], d[0], d[1], c[1]]) await direct.push(batch)
  await settled()
  t.same(states(...c, ...d), ['opened', 'opened', 'refused', 'refused'])
  t.equal((await list()).length, 0)
  t.equal((await server.status()).alarms.filter((alarm) => alarm.startsWith('fork')).length, 0)
  t.ok(await server.verify())
})

t.test('Releases 5: a delete takes no decision on a batch back, and no laptop makes one', async (t) => {
  const { lap, server, direct, states, settled } = await begin(t)
  const { laptop, trunk, a, b } = await forkedChain(server, lap)
  for (const batch of [...trunk, ...a, ...b]) await direct.push(batch)
  const { digest } = b[0]
  const other = await server.laptop(lap)
  const own = { model: 'waybill.release', pk: digest, fields: { batch: digest, reason: 'mine' } }
  await direct.push(await other.batch([changeLine({ id: 'own', ...own })]))
  await server.opened((opened) =>
    decide({ ...opened, clock: systemClock }, naledi, () => ({
      ...{ model: 'waybill.release', action: 'delete', pk: digest, naturalKey: [], base: [], fields: {} },
    })),
  )
  const { records } = await settled()
  t.equal(records.quarantined, 2)
  t.same(states(...b), ['held', 'held'])
  t.equal(laptop.seq, 4)
})

t.test('Releases 3 and 4: a revoked device: through the batch that is named, and no further', async (t) => {
  const { study, lap, server, direct, list, states, settled, release, refuse } = await begin(t)
  const laptop = await server.laptop(lap)
  const batches = await laptop.batches(6)
  const [one, two, three, four, five, six] = batches as [
    CraftedBatch,
    CraftedBatch,
    CraftedBatch,
    CraftedBatch,
    CraftedBatch,
    CraftedBatch,
  ]
  const relay = await study.enrol('relay', 'lesedi')
  for (const batch of [one, two]) await direct.push(batch)
  await settled()
  const jws = await study.publish(() => ({
    revocations: [
      { device: lap.device, reason: 'stolen', chains: [{ chain: laptop.chain, throughSeq: 2, digest: two.digest }] },
    ],
  }))
  const courier = server.as(relay)
  await courier.untilStudy(readDocument(jws, 'study').document.version)
  const bring = async (batch: CraftedBatch) => courier.push(batch, [(await custodyBy(relay, batch)).jws])
  for (const batch of [three, four, five]) await bring(batch)
  await settled()
  t.match(await list(), [{ code: 'REVOKED', seq: 3, branch: null, courier: 'lesedi' }, { seq: 4 }, { seq: 5 }])
  await refused(t, release(five), 'BAD_ARGUMENT', 'not before the one before it')
  await refused(t, release(three, two), 'BAD_ARGUMENT', 'nor through one that does not wait')
  t.match(await release(three, four), { follow: [{ seq: 4 }], through: four.digest })
  await settled()
  t.same(states(three, four, five), ['opened', 'opened', 'held'])
  t.match(await refuse(five), { follow: [] })
  await settled()
  await bring(six)
  await settled()
  t.same(states(five, six), ['refused', 'refused'], 'what follows what was refused is refused')
  t.match(
    await release(five),
    { through: six.digest, follow: [{ seq: 6 }] },
    'and can be released later, with what is here',
  )
  await settled()
  t.same(states(five, six), ['opened', 'opened'])
  const seventh = await laptop.batch([])
  await bring(seventh)
  await settled()
  t.same(states(seventh), ['held'], 'what comes later waits again')
  t.ok(await server.verify())
})

t.test(
  'Releases 6: one that was set aside is tried again, or refused by itself; what the disk lost is not',
  async (t) => {
    const { lap, server, direct, list, states, settled, release, refuse } = await begin(t)
    const laptop = await server.laptop(lap)
    const bad = await laptop.batch([], { payload: randomBytes(64) })
    const good = await laptop.batch([changeLine({ id: 'good' })])
    for (const batch of [bad, good]) await direct.push(batch)
    await settled()
    t.match(await list(), [{ digest: bad.digest, state: 'quarantined', code: 'PAYLOAD_REFUSED', decided: null }])
    t.match(await release(bad), { through: bad.digest, follow: [] })
    await settled()
    t.same(states(bad, good), ['quarantined', 'opened'], 'tried, and set aside again')
    await refuse(bad)
    await settled()
    t.same(states(bad), ['quarantined'], 'a release counts for more')
    const lost = await laptop.batch([changeLine({ id: 'lost' })])
    await server.stop()
    await server.start()
    const again = server.as(lap)
    const worse = await laptop.batch([], { payload: randomBytes(64) })
    for (const batch of [lost, worse]) await again.push(batch)
    await settled()
    await refuse(worse)
    await settled()
    t.same(states(worse), ['refused'])
    server.sql("UPDATE batches SET state = 'quarantined', code = 'NOT_FOUND' WHERE manifest_digest = ?", lost.digest)
    await refused(t, refuse(lost), 'BAD_ARGUMENT', 'whoever has it brings it again')
  },
)

t.test('killed between the decision and what it does; restored from a backup: it counts all the same', async (t) => {
  const { lap, study, server, direct, release, refuse } = await begin(t)
  const { laptop, trunk, a, b } = await forkedChain(server, lap)
  for (const batch of [...trunk, a[0]]) await direct.push(batch)
  await server.settled()
  for (const batch of [b[0], a[1], b[1]]) await direct.push(batch)
  await server.settled()
  await server.stop()
  await release(b[0])
  await refuse(a[1])
  await refused(t, release(b[0], undefined, thabo), 'ALREADY_DECIDED', 'it is decided, and not applied yet')
  const to = join(study.directory, 'backup')
  await server.opened((opened) => backUp({ ...opened, clock: systemClock }, to, () => undefined))
  const data = join(study.directory, 'restored')
  cpSync(join(to, '000001'), data, { recursive: true })
  cpSync(join(to, 'payloads'), join(data, 'payloads'), { recursive: true })
  await server.start()
  for (const one of [server, await TestServer.start(t, { ...server.device, data })]) {
    await deciding(one).settled()
    t.same(deciding(one).states(...a, ...b), ['opened', 'refused', 'opened', 'opened'])
    t.match((await one.as(lap).delivery(laptop.chain))?.through, 3)
    t.equal((await one.as(lap).delivery(laptop.chain))?.throughDigest, a[0].digest, 'the branch that it began with')
    t.same(await headsOf(one, 'p'), ['a3', 'b4'])
    t.ok(await one.verify())
    await one.stop()
  }
})

t.test('Releases 8: what stands otherwise than persons signed is found', async (t) => {
  const { lap, server, direct, release, refuse } = await begin(t)
  const { clone, trunk, a, b } = await forkedChain(server, lap)
  const empty = await clone.batch([])
  for (const batch of [...trunk, a[0]]) await direct.push(batch)
  await server.settled()
  for (const batch of [...b, empty, a[1]]) await direct.push(batch)
  await server.settled()
  await release(a[1])
  await deciding(server).settled()
  const other = await forkedChain(server, lap, 'o')
  for (const batch of [...other.trunk, ...other.a]) await direct.push(batch)
  await server.settled()
  await direct.push(other.b[0])
  await refuse(other.b[0])
  await deciding(server).settled()
  await server.stop()
  t.ok(await server.verify())
  const spoiled: Array<[sql: string, undo: string, says: RegExp, digest?: string]> = [
    [
      "UPDATE batch_decisions SET decision = 'refuse' WHERE batch = ?",
      "UPDATE batch_decisions SET decision = 'release' WHERE batch = ?",
      /not what a server/,
      a[1].digest,
    ],
    [
      'UPDATE batch_decisions SET through = batch WHERE batch = ?',
      'UPDATE batch_decisions SET through = NULL WHERE batch = ?',
      /not what a server/,
      a[1].digest,
    ],
    [
      "UPDATE batches SET state = 'refused' WHERE manifest_digest = ?",
      "UPDATE batches SET state = 'held' WHERE manifest_digest = ?",
      /called refused, and nobody/,
      b[0].digest,
    ],
    [
      "UPDATE batches SET state = 'held' WHERE manifest_digest = ?",
      "UPDATE batches SET state = 'refused' WHERE manifest_digest = ?",
      /is refused, and waits/,
      other.b[0].digest,
    ],
    [
      "UPDATE batches SET state = 'opened' WHERE manifest_digest = ?",
      "UPDATE batches SET state = 'held' WHERE manifest_digest = ?",
      /had to wait for a person, and was opened without/,
      empty.digest,
    ],
    [
      'UPDATE batches SET branch = NULL WHERE manifest_digest = ?',
      `UPDATE batches SET branch = '${b[0].digest}' WHERE manifest_digest = ?`,
      /does not stand in the branch/,
      b[1].digest,
    ],
    [
      `UPDATE chains SET through_digest = '${b[1].digest}' WHERE through_digest = ?`,
      `UPDATE chains SET through_digest = '${a[1].digest}' WHERE through_digest = '${b[1].digest}' AND ? <> ''`,
      /not opened through the batch/,
      a[1].digest,
    ],
    ['DELETE FROM batch_decisions WHERE batch = ?', '', /does not count/, a[1].digest],
  ]
  for (const [sql, undo, message, digest] of spoiled) {
    server.sql(sql, digest)
    await t.rejects(server.verify(), { code: 'PROVENANCE_BROKEN', message }, sql)
    if (undo) server.sql(undo, digest)
  }
})

t.test(
  'Records 6: a chain that continues a batch of a branch continues that branch, whichever comes first',
  async (t) => {
    const { lap, server, direct, list, settled, release } = await begin(t)
    const { laptop, trunk, a, b } = await forkedChain(server, lap)
    const next = await server.laptop(lap)
    const continues = { chain: laptop.chain, seq: 4, digest: b[1].digest }
    const after = await next.batch([edit('e1', 'p')], { manifest: { continues } })
    for (const batch of [...trunk, a[0]]) await direct.push(batch)
    await server.settled()
    for (const batch of [b[0], a[1], after]) await direct.push(batch)
    await settled()
    for (const { digest } of await list('held'))
      await release([...a, ...b].find((one) => one.digest === digest) ?? b[0])
    await settled()
    t.same(
      await headsOf(server, 'p'),
      ['a4', 'b3', 'e1'],
      'while the one that it continues is not here, only what is before the fork',
    )
    await direct.push(b[1])
    await settled()
    t.same(await headsOf(server, 'p'), ['a4', 'e1'])
    t.same(await headsOf(server, 'q'), ['b3q'])
    t.ok(await server.verify())
  },
)
