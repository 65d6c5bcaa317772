import t, { type Test } from 'tap'
import { ownMeeting } from '../../daemon/meet.ts'
import { newNonce } from '../../shared/crypto/digest.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { type BatchState, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { custody, delivery, gaps, life } from '../fixtures/daemon-receipts.ts'
import { foundTestStudy } from '../fixtures/study.ts'

/** A laptop whose disk is put back to the state with batches 1 to 3, when it had sealed 9. */
async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const relay = await study.enrol('relay', 'driver')
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const old = await laptop.sealed('a', 'b', 'c')
  const image = await laptop.image()
  const lost = await laptop.sealed('d', 'e', 'f', 'g', 'h', 'i')
  await laptop.restore(image)
  const at = (seq: number) => [...old, ...lost][seq - 1] as BatchState
  return { study, laptop, relay, server: study.server, at, image }
}

function places(laptop: TestLaptop): Array<[chain: string, seq: number]> {
  return laptop.manifests().map(({ chain, seq }) => [chain, seq])
}

/** What the laptop shows in its meetings of chains that it has left behind. */
async function tips(laptop: TestLaptop): Promise<number[]> {
  const { store, trust, shelf, clock, device } = laptop
  const { manifests } = await ownMeeting({ store, trust, shelf, clock, identity: device.identity }, 1)
  return manifests.map((jws) => readDocument(jws, 'manifest').document.seq)
}

t.test('nothing is numbered twice: shown its own unknown signature, the laptop goes on in a new chain', async (t) => {
  const { laptop, server, relay, at } = await begin(t)
  t.same(await laptop.told(relay, { manifests: [at(7).jws, at(9).jws, at(8).jws] }), [])
  await laptop.sealed('x')
  const first = laptop.manifests()[3]
  t.not(first?.chain, at(1).chain)
  t.match(first, { seq: 1, previous: null, continues: { chain: at(9).chain, seq: 9, digest: at(9).digest } })
  await laptop.told(relay, { manifests: [at(9).jws] })
  await laptop.told(server, { deliveries: [await delivery(server, laptop, at(9))] })
  await laptop.sealed('y')
  t.match(laptop.manifests()[4], { chain: first?.chain, seq: 2, continues: null }, 'shown again, the new chain goes on')
  t.equal(await laptop.verify(), 5)
})

t.test('a delivery receipt alone proves it too', async (t) => {
  const { laptop, server, at } = await begin(t)
  await laptop.told(server, { deliveries: [await delivery(server, laptop, at(6))] })
  await laptop.sealed('x')
  t.match(laptop.manifests().at(-1), { seq: 1, continues: { seq: 6, digest: at(6).digest } })
})

t.test('a receipt proves it above a gap too, and the numbers of a notice of gaps alone', async (t) => {
  for (const proof of ['above', 'gaps']) {
    const { laptop, server, at } = await begin(t)
    const incarnation = life()
    const above = await delivery(server, laptop, at(2), { incarnation, above: [[5, 9, at(9).digest]] })
    const notice = await gaps(server, laptop, at(1).chain, { incarnation, witnessed: 9, missing: [[3, 4]] })
    const last = proof === 'above' ? at(9) : at(3)
    await laptop.told(server, proof === 'above' ? { deliveries: [above] } : { gaps: [notice] })
    await laptop.sealed('x')
    t.match(
      laptop.manifests().at(-1),
      { seq: 1, continues: { chain: last.chain, seq: last.seq, digest: last.digest } },
      proof,
    )
  }
})

t.test('no proof, no new chain: another laptop signed it, or nobody did, or it is known', async (t) => {
  const { laptop, server, relay, at, study } = await begin(t)
  const other = await TestLaptop.open(t, await study.enrol('field', 'lap-02'))
  const [foreign] = await other.sealed('x')
  await laptop.told(other.device, { manifests: [foreign?.jws ?? ''] })
  await laptop.told(relay, { manifests: [at(3).jws, `${at(9).jws.slice(0, -4)}AAAA`] })
  await laptop.told(server, { deliveries: [await delivery(server, laptop, at(3))] })
  await laptop.told(server, { gaps: [await gaps(server, laptop, at(1).chain, { witnessed: 3 })] })
  await laptop.told(server, { deliveries: [await delivery(server, laptop, { ...at(9), seq: 0 })] })
  await laptop.sealed('y')
  t.match(laptop.manifests().at(-1), { chain: at(1).chain, seq: 4, continues: null })
})

t.test('a chain that went on from there stays, when more of the lost batches turn up', async (t) => {
  const { laptop, relay, at } = await begin(t)
  await laptop.told(relay, { manifests: [at(5).jws] })
  await laptop.told(relay, { manifests: [at(7).jws] })
  await laptop.sealed('x')
  t.match(
    laptop.manifests().at(-1),
    { seq: 1, continues: { seq: 7 } },
    'without batches of its own it continues the higher one',
  )
  await laptop.told(relay, { manifests: [at(9).jws] })
  await laptop.sealed('y')
  t.match(laptop.manifests().at(-1), { seq: 2 }, 'with batches of its own it goes on')
})

t.test('a disk restored twice: the newest lost chain is continued, whichever is shown first', async (t) => {
  const { laptop, relay, at, image } = await begin(t)
  await laptop.told(relay, { manifests: [at(9).jws] })
  const [second] = await laptop.sealed('x')
  await laptop.restore(image)
  await laptop.told(relay, { manifests: [second?.jws ?? '', at(9).jws] })
  await laptop.sealed('y')
  t.match(laptop.manifests().at(-1), { seq: 1, continues: { chain: second?.chain, seq: 1, digest: second?.digest } })
  t.equal(new Set([...places(laptop), [second?.chain, 1]].map(String)).size, 5, 'no place twice')
})

t.test(
  'batches sealed before anyone showed the truth are a fork: no receipt for the other branch covers them',
  async (t) => {
    const { laptop, server, at } = await begin(t)
    await laptop.sealed('other-d', 'other-e')
    const incarnation = life()
    const above = await delivery(server, laptop, at(2), { incarnation, above: [[4, 9, at(9).digest]] })
    await laptop.told(server, { deliveries: [above] })
    t.same(laptop.those('delivered'), [1, 2], 'what is above a gap may be the other branch')
    const beyond = await delivery(server, laptop, at(9), { incarnation, safeThrough: 9 })
    await laptop.told(server, { deliveries: [beyond], manifests: [at(9).jws, at(4).jws, at(5).jws, at(6).jws] })
    t.same([laptop.those('delivered'), laptop.those('safe')], [[1, 2], []])
    const conflict = await delivery(server, laptop, at(5), { incarnation, above: [[7, 9, at(9).digest]] })
    t.same(await laptop.told(server, { deliveries: [conflict] }), ['BATCH_CONFLICT'])
    t.same(laptop.those('delivered'), [1, 2], 'they stay here, and are offered')
  },
)

t.test('a receipt beyond our head covers our batches once the batches between are shown', async (t) => {
  const { laptop, server, relay, at } = await begin(t)
  const receipt = await delivery(server, laptop, at(6), { safeThrough: 5 })
  await laptop.told(server, { deliveries: [receipt], manifests: [at(9).jws] })
  t.same(laptop.those('delivered'), [], 'as long as nothing proves that ours are its ancestors')
  t.same(await tips(laptop), [3], 'the newest of a chain that was left behind is shown')
  await laptop.told(relay, { manifests: [at(5).jws] })
  t.same(await tips(laptop), [3], 'one that does not follow proves nothing')
  await laptop.told(relay, { manifests: [at(5).jws, at(4).jws] })
  t.same(await tips(laptop), [5], 'what was shown and follows is asked on from')
  t.same(laptop.those('delivered'), [])
  await laptop.told(relay, { manifests: [at(6).jws], deliveries: [receipt] })
  t.same(
    [laptop.those('delivered'), laptop.those('safe')],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  )
  t.same(await tips(laptop), [], 'nothing is left to be proven')
  t.equal(await laptop.verify(), 3)
  laptop.store.$client.prepare('DELETE FROM followers WHERE seq = 5').run()
  await t.rejects(laptop.verify(), { code: 'CHAIN_BROKEN' }, 'the proof is verified too')
})

t.test('a follower of a batch that the server never had proves nothing for its receipt', async (t) => {
  const { laptop, server, relay, at, image } = await begin(t)
  const branch = await laptop.sealed('other-d', 'other-e', 'other-f')
  await laptop.restore(image)
  await laptop.told(relay, { manifests: [at(9).jws, at(4).jws, at(5).jws, at(6).jws] })
  const other = await delivery(server, laptop, branch[2] as BatchState, { safeThrough: 6 })
  t.same(await laptop.told(server, { deliveries: [other] }), ['BATCH_CONFLICT'])
  t.same(laptop.those('delivered'), [])
})

t.test('a forged follower, or one of another laptop, is not taken', async (t) => {
  const { laptop, relay, at, study } = await begin(t)
  const other = await TestLaptop.open(t, await study.enrol('field', 'lap-02'))
  const [foreign] = await other.sealed('x')
  await laptop.told(relay, { manifests: [at(9).jws] })
  t.same(await laptop.told(relay, { manifests: [`${at(4).jws.slice(0, -4)}AAAA`] }), ['SIGNATURE_INVALID'])
  await laptop.told(other.device, { manifests: [foreign?.jws ?? ''] })
  t.equal(laptop.count('followers'), 0)
})

t.test('what waits in the outbox of the restored disk is sealed again with the same content, and once', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  await laptop.record({ id: 'waiting', model: 'clinic.visit', action: 'insert', pk: 1, fields: {} })
  const image = await laptop.image()
  const line = () => laptop.store.$client.prepare<[], { line: string }>('SELECT line FROM outbox').get()?.line
  const before = line()
  laptop.clock.pass(20_000)
  await laptop.sealer.ask()
  const [lost] = laptop.batches()
  await laptop.restore(image)
  laptop.clock.wall += 86_400_000
  t.equal(line(), before, 'byte for byte: the server knows it for a repeat')
  await laptop.told(study.server, { manifests: [lost?.jws ?? ''] })
  t.match(await laptop.record({ id: 'waiting', model: 'clinic.visit', action: 'insert', pk: 1, fields: {} }), {
    accepted: 0,
    known: 1,
  })
  await laptop.sealer.ask()
  t.match(laptop.manifests(), [{ seq: 1, changes: 1, continues: { chain: lost?.chain, seq: 1 } }])
})

t.test('custody receipts for lost batches are no batches', async (t) => {
  const { laptop, relay, at } = await begin(t)
  await laptop.told(relay, {
    custody: [await custody(relay, laptop, at(9)), await custody(relay, laptop, { digest: newNonce().repeat(2) })],
  })
  t.equal(laptop.count('custody_receipts'), 0)
})
