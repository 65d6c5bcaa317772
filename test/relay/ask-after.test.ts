import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askAfter } from '../../relay/ask-after.ts'
import { openHold } from '../../relay/open-store.ts'
import { type Memory, newMemory, visit } from '../../relay/visit.ts'
import { onlyRoles } from '../../shared/crypto/mutual-tls.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { PeerClient } from '../../shared/transfer/peer-client.ts'
import type { CraftedBatch } from '../fixtures/craft-batch.ts'
import { forkedChain } from '../fixtures/forked-chain.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { StubLaptop } from './stub-laptop.ts'

t.setTimeout(120_000)

/** A laptop that reaches the server by itself as well, a relay, and a real server. */
async function begin(t: Test) {
  const study = await foundTestStudy()
  const device = await study.enrol('field', 'lap-01')
  const relay = await study.enrol('relay', 'thabo')
  const laptop = await StubLaptop.start(device)
  let ahead = 0
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead }
  const hold = await openHold(relay.data, clock, createLogger('test', 'silent'))
  t.teardown(async () => {
    hold.store.$client.close()
    await laptop.close()
    study.dispose()
  })
  const server = await TestServer.start(t, study.server)
  const direct = server.as(device)
  await direct.meet()

  const called = (port: number) =>
    new PeerClient({ identity: relay.identity, host: '127.0.0.1', port, admit: onlyRoles('field', 'server') })
  const come = async (port: number, memory = newMemory()) => {
    const client = called(port)
    const report = { met: () => memory, state: () => undefined, inTurn: <T>(work: () => Promise<T>) => work() }
    const visited = await visit(hold, client, report).finally(() => client.close())
    t.same(visited?.problems, [])
  }
  /** Asks the server after all, without a meeting. */
  const askAll = async () => {
    const client = called(server.port)
    await askAfter(hold, client, server.device.device, true).finally(() => client.close())
  }
  /** The relay takes these at the laptop. */
  const pull = async (...batches: CraftedBatch[]) => {
    for (const { digest, manifest: jws, document: manifest, payload } of batches)
      laptop.batches.push({ position: laptop.batches.length + 1, digest, jws, manifest, payload })
    await come(laptop.port)
  }
  /** The laptop, or another courier, brings these, and the server opens what it may. */
  const push = async (...batches: CraftedBatch[]) => {
    for (const batch of batches) await direct.push(batch)
    await server.settled()
  }
  const states = (...batches: CraftedBatch[]) =>
    batches.map(({ digest }) =>
      hold.store.$client.prepare('SELECT state FROM manifests WHERE digest = ?').pluck().get(digest),
    )
  const isAtServer = ({ digest }: CraftedBatch) =>
    server.sql('SELECT 1 FROM batches WHERE manifest_digest = ?', digest).length === 1
  return {
    device,
    laptop,
    server,
    pull,
    push,
    states,
    isAtServer,
    askAll,
    visit: (memory?: Memory) => come(server.port, memory),
    later: (ms: number) => {
      ahead += ms
    },
  }
}

t.test('invariant 9: what a lost disk had sealed is brought, though a receipt counts its number', async (t) => {
  const { device, server, pull, push, states, isAtServer, visit } = await begin(t)
  const { trunk, a, b } = await forkedChain(server, device)
  await pull(...trunk, a[0])
  // The laptop's disk was restored: what it seals now has numbers that it has used before.
  await push(...trunk, ...b)
  await visit()
  t.ok(isAtServer(a[0]), 'nobody else has it')
  t.same(states(...trunk, a[0]), ['delivered', 'delivered', 'forwarded'], 'the server has it, and has not opened it')
})

t.test('others brought what follows: what the server confirms is delivered in the same visit', async (t) => {
  const { device, server, pull, push, states, visit } = await begin(t)
  const laptop = await server.laptop(device)
  const batches = await laptop.batches(6)
  await pull(...batches.slice(0, 3))
  await push(...batches)
  await visit()
  t.same(states(...batches.slice(0, 3)), ['delivered', 'delivered', 'delivered'])
})

t.test(
  'what the server signed for and its disk has lost is brought again: it is asked after every five minutes',
  async (t) => {
    const { device, server, pull, states, visit, later } = await begin(t)
    const memory = newMemory()
    const [lost, kept] = (await (await server.laptop(device)).batches(2)) as [CraftedBatch, CraftedBatch]
    await pull(lost, kept)
    server.sql(`CREATE TRIGGER spoil AFTER INSERT ON batches WHEN NEW.manifest_digest = '${lost.digest}' BEGIN
    UPDATE batches SET state = 'quarantined', code = 'NOT_FOUND' WHERE ordinal = NEW.ordinal; END`)
    await visit(memory)
    await server.settled()
    rmSync(join(server.device.data, 'payloads', lost.document.payload.digest))
    server.sql('DROP TRIGGER spoil')
    later(4 * 60_000)
    await visit(memory)
    t.same(states(lost), ['forwarded'])
    t.match((await server.status()).counts, { quarantined: { batches: 1 } }, 'not yet')
    later(60_000)
    await visit(memory)
    const { counts } = await server.settled()
    t.match(counts, { opened: { batches: 2 }, quarantined: { batches: 0 } })
    await visit()
    t.same(states(lost, kept), ['delivered', 'delivered'])
  },
)

t.test('invariant 9: what the server has opened is delivered only once a receipt aboard counts it', async (t) => {
  const { device, server, pull, states, visit, askAll } = await begin(t)
  const [batch] = (await (await server.laptop(device)).batches(1)) as [CraftedBatch]
  await pull(batch)
  server.sql(`CREATE TRIGGER keep AFTER INSERT ON batches BEGIN
    UPDATE batches SET state = 'held' WHERE ordinal = NEW.ordinal; END`)
  await visit()
  server.sql('DROP TRIGGER keep')
  server.sql("UPDATE batches SET state = 'ingested' WHERE manifest_digest = ?", batch.digest)
  await server.settled()
  await askAll()
  t.same(states(batch), ['forwarded'], 'asked after, and no receipt is here')
  await visit()
  t.same(states(batch), ['delivered'])
})

t.test('above a gap: opened there, delivered here', async (t) => {
  const { device, server, pull, states, visit } = await begin(t)
  const laptop = await server.laptop(device)
  const [first, ...rest] = await laptop.batches(3)
  await pull(...rest)
  await visit()
  await server.settled()
  await visit()
  t.same(states(...rest), ['delivered', 'delivered'])
  await pull(first as CraftedBatch)
  await visit()
  await server.settled()
  await visit()
  t.same(states(first as CraftedBatch, ...rest), ['delivered', 'delivered', 'delivered'])
})

t.test('shown by a laptop and not aboard: delivered all the same, once the server has opened it', async (t) => {
  const { device, laptop, server, push, states, pull, visit } = await begin(t)
  const crafted = await server.laptop(device)
  const [spoilt, lost, ...more] = (await crafted.batches(4)) as [CraftedBatch, CraftedBatch, ...CraftedBatch[]]
  laptop.bend = ({ digest, payload }) => (digest === spoilt.digest ? Buffer.alloc(payload.length) : 10)
  await t.rejects(pull(spoilt, lost), { code: 'PEER_UNREACHABLE' })
  t.same(states(spoilt, lost), ['quarantined', 'pulling'])
  await visit()
  t.same(states(spoilt, lost), ['quarantined', 'pulling'], 'no receipt speaks of them')
  await push(spoilt, lost, ...more)
  await visit()
  t.same(states(spoilt, lost), ['delivered', 'delivered'])
})
