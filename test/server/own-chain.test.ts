import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { openServer } from '../../commands/open-server.ts'
import { backUp } from '../../server/backup.ts'
import { noticeRestore } from '../../server/incarnation.ts'
import { type Draft, decide } from '../../server/own-chain.ts'
import { provenanceOf } from '../../server/provenance.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import type { Manifest } from '../../shared/protocol/manifest.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { cleanEnvironment } from '../fixtures/hotspot-command.ts'
import { cannotKillAt, killedAt } from '../fixtures/killed-at.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'

t.setTimeout(300_000)

const decider = fileURLToPath(new URL('../fixtures/decider.ts', import.meta.url))
const rosa = { user: 'rosa', reason: 'the cuff had slipped' }
const retry: Draft = {
  ...{ model: 'waybill.retry', action: 'insert', pk: 'p1', naturalKey: [], base: [] },
  fields: { change: 'c-1', digest: 'd'.repeat(64) },
}

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const server = await TestServer.start(t, study.server)
  const make = (draft: Partial<Draft> = {}, who = rosa) =>
    server.opened((opened) => decide({ ...opened, clock: systemClock }, who, () => ({ ...retry, ...draft })))
  return { study, server, make }
}

/** The manifests of the server's own batches, in the order in which they came. */
function ownBatches(server: TestServer): Manifest[] {
  return server
    .sql<{ manifest: string }>('SELECT manifest FROM batches WHERE producer = ? ORDER BY ordinal', server.device.device)
    .map(({ manifest }) => readDocument(manifest, 'manifest').document)
}

/** Each chain counts from 1 without a gap, and no number is there twice. */
function isWhole(t: Test, server: TestServer, what: string): void {
  const seqs = new Map<string, number[]>()
  for (const { chain, seq } of ownBatches(server)) seqs.set(chain, [...(seqs.get(chain) ?? []), seq])
  for (const found of seqs.values())
    t.same(
      found,
      found.map((_, at) => at + 1),
      what,
    )
}

async function run(data: string, user: string, count: number, wrapper: string[] = []) {
  const [command = '', ...args] = [...wrapper, process.execPath, decider, data, user, String(count)]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: cleanEnvironment })
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { ids: out.split('\n').filter((id) => id !== ''), code: child.exitCode }
}

t.test('a decision is a signed batch of the own chain: opened, fed, verified and proven like any other', async (t) => {
  const { server, make, study } = await begin(t)
  const ids = [await make(), await make({ pk: 'p2' }), await make({ pk: 'p3' }, { user: 'neo', reason: 'why not' })]
  t.match(ownBatches(server), [
    { producer: study.server.device, seq: 1, previous: null, continues: null, changes: 1 },
    { seq: 2 },
    { seq: 3 },
  ])
  await server.settled()
  t.match(await server.feed(), [
    { change: { ...retry, ...rosa, id: ids[0] }, producer: study.server.device },
    { change: { id: ids[1], pk: 'p2' } },
    { change: { id: ids[2], user: 'neo', reason: 'why not' } },
  ])
  t.equal(await server.verify(), 3)
  const [proof] = await server.opened((opened) => provenanceOf(opened, String(ids[2])))
  t.match(proof, { producer: study.server.device, seq: 3, hops: [{ hop: 1, by: study.server.device }] })
})

t.test('what no decision can be is refused, and nothing is kept of it', async (t) => {
  const { server, make } = await begin(t)
  for (const reason of ['', '  ', 'a\nb', 'r'.repeat(1001)])
    await refused(t, make({}, { ...rosa, reason }), 'BAD_ARGUMENT', JSON.stringify(reason.slice(0, 10)))
  for (const user of ['', 'u'.repeat(201), 'a\u001bb'])
    await refused(t, make({}, { ...rosa, user }), 'BAD_ARGUMENT', user.slice(0, 5))
  await refused(t, make({ pk: '' }), 'CHANGE_INVALID', 'no pk')
  await refused(t, make({ base: Array.from({ length: 65 }, (_, at) => `b${at}`) }), 'CHANGE_INVALID', 'too many')
  await refused(t, make({ fields: { x: '\ud800' } }), 'CHANGE_INVALID', 'half a character')
  await refused(t, make({ fields: { x: Number.POSITIVE_INFINITY } }), 'CHANGE_INVALID', 'no number')
  await refused(t, make({ fields: { x: 'x'.repeat(1_048_576) } }), 'CHANGE_TOO_LARGE', 'more than a change holds')
  const failing = () => Promise.reject(new Error('there is nothing to decide'))
  await t.rejects(
    server.opened((opened) => decide({ ...opened, clock: systemClock }, rosa, failing)),
    /nothing to decide/,
  )
  t.same(ownBatches(server), [])
  await make()
  isWhole(t, server, 'and the first number is not used up')
})

t.test('at once: within one program, and by three programs beside the running one', async (t) => {
  const { server, make, study } = await begin(t)
  await Promise.all(Array.from({ length: 8 }, (_, at) => make({ pk: `p${at}` })))
  const told = await Promise.all(['neo', 'thabo', 'lesedi'].map((user) => run(study.server.data, user, 5)))
  t.same(
    told.map(({ ids, code }) => [ids.length, code]),
    [
      [5, 0],
      [5, 0],
      [5, 0],
    ],
  )
  isWhole(t, server, 'one came after the other')
  t.equal(ownBatches(server).length, 23)
  const { alarms } = await server.settled()
  t.same(alarms, [], 'no fork')
  t.equal(new Set((await server.feed()).map(({ change }) => (change as { id: string }).id)).size, 23)
  t.equal(await server.verify(), 23)
})

t.test('what another program decides while a decision is drafted, that is drafted upon anew', async (t) => {
  const { server, make, study } = await begin(t)
  await make()
  const others: string[] = []
  const told = await server.opened((opened) =>
    decide({ ...opened, clock: systemClock }, rosa, async () => {
      if (others.length < 2) others.push(...(await run(study.server.data, `neo-${others.length}`, 1)).ids)
      return { ...retry, fields: { change: others.join(' '), digest: 'd'.repeat(64) } }
    }),
  )
  t.equal(others.length, 2, 'twice')
  await server.settled()
  t.match((await server.feed()).at(-1)?.change, { id: told, fields: { change: others.join(' ') } })
})

t.test(
  'killed between any two steps: no half decision, no gap, and what was told is there',
  { skip: cannotKillAt() ?? false },
  async (t) => {
    const { server, study } = await begin(t)
    await server.stop()
    const told: string[] = []
    let deaths = 0
    for (let n = 1; n < 200; n += Math.ceil(n / 3)) {
      const { ids, code } = await run(
        study.server.data,
        `life-${n}`,
        2,
        killedAt(n, 'fsync,fdatasync,rename,pwrite64,unlink'),
      )
      told.push(...ids)
      isWhole(t, server, `killed at ${n}`)
      if (code === 0) break
      deaths += 1
    }
    t.ok(deaths > 4, `it died ${deaths} times`)
    await server.start()
    await server.settled()
    const ids = (await server.feed()).map(({ change }) => (change as { id: string }).id)
    t.same(
      told.filter((id) => !ids.includes(id)),
      [],
    )
    t.equal(new Set(ids).size, ids.length)
    t.equal(await server.verify(), ids.length)
  },
)

/** The server as its backup has it, in a directory of its own. */
async function restored(t: Test, server: TestServer, to: string): Promise<TestServer> {
  const data = join(to, '..', 'restored')
  cpSync(join(to, '000001'), data, { recursive: true })
  cpSync(join(to, 'payloads'), join(data, 'payloads'), { recursive: true })
  const device: TestDevice = { ...server.device, data }
  return TestServer.start(t, device)
}

t.test('a server that was restored begins a new chain that goes on from the last batch that it knows', async (t) => {
  const { server, make, study } = await begin(t)
  for (const pk of ['p1', 'p2']) await make({ pk })
  await server.settled()
  const to = join(study.directory, 'backup')
  await server.opened((opened) => backUp({ ...opened, clock: systemClock }, to, () => undefined))
  await make({ pk: 'lost' })
  const [, second] = ownBatches(server)
  await server.stop()
  const again = await restored(t, server, to)
  const decideThere = (pk: string) =>
    again.opened((opened) => decide({ ...opened, clock: systemClock }, rosa, () => ({ ...retry, pk })))
  for (const pk of ['p3', 'p4']) await decideThere(pk)
  const batches = ownBatches(again)
  t.match(batches.slice(2), [
    { seq: 1, previous: null, continues: { chain: second?.chain, seq: 2 } },
    { seq: 2, continues: null },
  ])
  t.not(batches[2]?.chain, second?.chain)
  await again.settled()
  t.equal(await again.verify(), 4)
  await again.opened(
    ({ store, device: _, ...opened }: Awaited<ReturnType<typeof openServer>> & { device?: string }) => {
      const life = JSON.parse(
        String(store.$client.prepare("SELECT value FROM facts WHERE key = 'incarnation'").pluck().get()),
      )
      const shown = {
        producer: 'a'.repeat(32),
        chain: 'b'.repeat(32),
        through: 9,
        safeThrough: 0,
        above: [],
        throughDigest: null,
      }
      const at = '2026-11-25T10:00:00.000Z'
      const server = study.server.device
      const receipt = { v: 1, study: opened.identity.study, ...shown, server, incarnation: { ...life, number: 7 }, at }
      t.ok(noticeRestore(store, server, [receipt]), 'shown what it signed in a later life')
    },
  )
  await decideThere('p5')
  t.match(
    ownBatches(again).at(-1),
    { seq: 1, continues: { chain: batches[2]?.chain, seq: 2 } },
    'and so in its next life',
  )
  await again.settled()
  t.equal(await again.verify(), 5)
})
