import { randomBytes } from 'node:crypto'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readFeed } from '../../server/feed.ts'
import { signerOf } from '../../shared/crypto/identity.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { signDocument } from '../../shared/crypto/sign-document.ts'
import type { DeliveryReceipt } from '../../shared/protocol/delivery-receipt.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy, type TestStudy } from '../fixtures/study.ts'

/** A server with five delivered batches of one laptop, and its database as it was at the third. */
async function restorable(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const server = await TestServer.start(t, study.server)
  const laptop = await server.laptop(lap)
  const batches = await laptop.batches(5)
  const old = join(study.directory, 'old')
  for (const batch of batches) {
    if (batch.document.seq === 4) {
      await server.settled()
      await server.as(lap).meet()
      await server.opened(({ store }) => store.$client.backup(old))
    }
    await server.as(lap).push(batch)
  }
  await server.settled()
  const before = await server.as(lap).meet()
  return { study, lap, server, laptop, batches, before, old }
}

async function restore(server: TestServer, study: TestStudy, old: string): Promise<void> {
  await server.stop()
  for (const ending of ['', '-wal', '-shm']) rmSync(join(study.server.data, `waybill.sqlite${ending}`), { force: true })
  cpSync(old, join(study.server.data, 'waybill.sqlite'))
  await server.start()
}

const deliveryOf = (jws: string | undefined) => readDocument(jws ?? '', 'delivery').document

async function signedBy(study: TestStudy, receipt: DeliveryReceipt): Promise<string> {
  return (await signDocument('delivery', receipt, signerOf(study.server.identity))).jws
}

t.test('a server restored from an old backup begins its next incarnation before it answers', async (t) => {
  const { study, lap, server, laptop, batches, before, old } = await restorable(t)
  t.match(deliveryOf(before.deliveries[0]), { through: 5, incarnation: { number: 1 } })
  const cursor = (await server.feed()).at(-1)?.cursor ?? ''
  await restore(server, study, old)
  const early = await refused(t, feedFrom(server, cursor), 'CURSOR_FOREIGN', 'a place it never gave')
  t.match(early.message, /start again at \d+-[0-9a-f]{8}\.0/)

  const visitor = server.as(lap)
  const unproven = await visitor.meet()
  t.match(deliveryOf(unproven.deliveries[0]), { through: 3, incarnation: { number: 1 } }, 'nothing was shown yet')
  const answer = await visitor.meet({ deliveries: before.deliveries })
  t.match(answer.incarnation, { number: 2 })
  t.not(answer.incarnation?.nonce, before.incarnation?.nonce)
  const told = answer.deliveries.map(deliveryOf)
  t.match(told, [{ through: 3, incarnation: answer.incarnation ?? {} }], 'every receipt is of the new life')
  t.same(
    (await visitor.meet({ deliveries: before.deliveries })).incarnation,
    answer.incarnation,
    'shown again: no other',
  )

  await refused(t, feedFrom(server, cursor), 'CURSOR_FOREIGN', 'a cursor of the earlier life')
  for (const batch of batches.slice(3)) await visitor.push(batch)
  await server.settled()
  t.match(await visitor.delivery(laptop.chain), { through: 5, incarnation: { number: 2 } })
  t.equal((await server.feed()).length, 5, 'each once')
  t.equal(await server.verify(), 5)
})

async function feedFrom(server: TestServer, cursor: string): Promise<unknown[]> {
  return server.opened((opened) => Array.fromAsync(readFeed(opened, cursor)))
}

t.test('what proves a restore, and what does not', async (t) => {
  const { study, lap, server, laptop, batches, before } = await restorable(t)
  const visitor = server.as(lap)
  const own = deliveryOf(before.deliveries[0])
  const number = async (receipt: DeliveryReceipt, jws?: string) =>
    (await visitor.meet({ deliveries: [jws ?? (await signedBy(study, receipt))] })).incarnation?.number
  t.equal(await number(own), 1, 'its own present receipt')
  t.equal(await number({ ...own, through: 2, throughDigest: batches[1]?.digest ?? null }), 1, 'an older one')
  const byAnother = await signDocument('delivery', { ...own, through: 99 }, signerOf(lap.identity))
  t.equal(await number(own, byAnother.jws), 1, 'one that a laptop signed')
  const central = await study.enrol('central', 'central')
  const byCentral = await signDocument('delivery', { ...own, through: 99 }, signerOf(central.identity))
  t.equal(await number(own, byCentral.jws), 1, 'one that another server signed in its name')

  const proofs: Array<[string, Partial<DeliveryReceipt>]> = [
    ['a higher `through`', { through: 6, throughDigest: 'a'.repeat(64) }],
    ['a higher `safeThrough`', { safeThrough: 1 }],
    ['another batch under its highest number', { throughDigest: 'b'.repeat(64) }],
    ['a run above that is not here', { above: [[8, 9, 'a'.repeat(64)]] }],
    ['another batch in a run above', { above: [[5, 5, 'a'.repeat(64)]] }],
    ['a chain that is not here', { chain: 'c'.repeat(32) }],
    ['the same number with another nonce', { incarnation: { ...own.incarnation, nonce: 'd'.repeat(32) } }],
  ]
  let life = own.incarnation
  for (const [index, [why, more]] of proofs.entries()) {
    const nonce = more.incarnation?.nonce ?? life.nonce
    const shown = { ...own, ...more, incarnation: { number: life.number, nonce } }
    t.equal(await number(shown), index + 2, why)
    life = (await visitor.meet()).incarnation ?? life
  }
  t.equal(await number({ ...own, incarnation: { number: 40, nonce: 'e'.repeat(32) } }), 41, 'a later life')
  t.equal(await number({ ...own, through: 99 }), 41, 'an earlier life proves nothing any more')
  t.match(await visitor.delivery(laptop.chain), { through: 5, incarnation: { number: 41 } })
  t.equal(await server.verify(), 5)
})

t.test('the newest manifests prove to a restored laptop what it signed', async (t) => {
  const { server, lap, laptop, batches } = await restorable(t)
  const { manifests } = await server.as(lap).meet()
  t.same(manifests, [batches[4]?.manifest])
  const first = batches[4]
  if (!first) return t.fail('five batches')
  const fresh = await server.laptop(lap)
  const continues = { chain: laptop.chain, seq: 5, digest: first.digest }
  const next = await fresh.batch([changeLine({ id: 'after' })], { manifest: { continues } })
  await server.as(lap).push(next)
  await server.settled()
  t.match(await server.as(lap).delivery(fresh.chain), { through: 1 }, 'a new chain that continues the known head')
})

t.test('feed: in order, in pages, each once, and on from any cursor', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laps = [await study.enrol('field', 'lap-01'), await study.enrol('field', 'lap-02')]
  const server = await TestServer.start(t, study.server)
  for (const lap of laps) {
    const laptop = await server.laptop(lap)
    for (let batch = 0; batch < 3; batch += 1) {
      const lines = Array.from({ length: 201 }, () => changeLine({ id: randomBytes(8).toString('hex') }))
      await server.as(lap).push(await laptop.batch(lines))
    }
  }
  await server.settled()
  const all = await server.feed()
  t.equal(new Set(all.map(({ change }) => (change as { id: string }).id)).size, 2 * 3 * 201)
  t.equal(all.length, 2 * 3 * 201)
  const places = all.map(({ cursor }) => Number(cursor.split('.')[1]))
  t.same(
    places,
    places.toSorted((a, b) => a - b),
  )
  for (const index of [0, 498, 499, 500, 1000, all.length - 1])
    t.same(await feedFrom(server, all[index]?.cursor ?? ''), all.slice(index + 1), `after place ${index}`)
  for (const cursor of ['x', '1-00000000', `${all[0]?.cursor}x`, '1-zzzzzzzz.1', ' '])
    await refused(t, feedFrom(server, cursor), 'BAD_REQUEST', `no cursor: ${cursor}`)
  await server.opened(async (opened) => {
    const reading = readFeed(opened)
    await reading.next()
    opened.store.$client.prepare('DELETE FROM changes WHERE position > 100').run()
    t.ok((await Array.fromAsync(reading)).length >= 99, 'read a page at a time')
  })
})
