import t, { type Test } from 'tap'
import { newNonce } from '../../shared/crypto/digest.ts'
import { type Act, HandoverExchange, maxExchangeBytes } from '../../shared/protocol/handover.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { credentialsOf } from '../fixtures/craft-batch.ts'
import { craftHandover, craftSignature, handoverLine } from '../fixtures/craft-handover.ts'
import { visit } from '../fixtures/daemon-doors.ts'
import { TestLaptop } from '../fixtures/daemon-laptop.ts'
import { handoverSettings, model } from '../fixtures/handover-side.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'

const at = '2026-11-24T08:00:00.000Z'

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  await study.publish(() => handoverSettings)
  const device = await study.enrol('field', 'lap-01')
  const [thabo, naledi] = [await study.enrol('relay', 'thabo'), await study.enrol('relay', 'naledi')]
  const laptop = await TestLaptop.open(t, device)
  await laptop.record({ id: 'c-1', model, action: 'insert', pk: '1', fields: { label: 'R1', drawn: 'Yes' } })
  const id = newNonce()
  /** One question, as this device asks it. */
  const ask = async (from: TestDevice, told: Partial<HandoverExchange> = {}) => {
    const client = await visit(t, laptop, from)
    const exchange: HandoverExchange = {
      ...{ v: 1, at, head: { id, giver: device.device, taker: thabo.device, began: at }, seen: {}, acts: [], have: [] },
      ...{ documents: [], credentials: credentialsOf(from), lines: null, person: null, ended: false, ...told },
    }
    return client.json('POST', paths.handover, exchange, HandoverExchange, maxExchangeBytes)
  }
  const scan = (of: TestDevice, number: number, after = number, text = 'R1'): Act => ({
    ...{ device: of.device, number, after, at, person: null },
    deed: { kind: 'scan', text, typed: false, told: 'present' },
  })
  const served = () => laptop.status().openLines
  return { study, device, thabo, naledi, laptop, id, ask, scan, served }
}

t.test('invariant 7: only a relay asks about handovers, and only about its own', async (t) => {
  const { study, ask, naledi, device, laptop } = await begin(t)
  const own = { id: newNonce(), giver: device.device, taker: study.server.device, began: at }
  await t.rejects(ask(study.server, { head: own }), { code: 'ROLE_REFUSED' }, 'a server')
  await t.rejects(ask(naledi), { code: 'ROLE_REFUSED' }, "another driver's handover")
  const elsewhere = { ...own, giver: naledi.device, taker: naledi.device }
  await t.rejects(ask(naledi, { head: elsewhere }), { code: 'ROLE_REFUSED' }, "another laptop's handover")
  t.equal(laptop.count('desk_handovers'), 0)
})

t.test('acts that cannot be are left out, and the others are taken', async (t) => {
  const { ask, thabo, naledi, device, scan, laptop, id } = await begin(t)
  const told = await ask(thabo, { acts: [scan(naledi, 1), scan(device, 2), scan(thabo, 1), scan(thabo, 3)] })
  t.same(told.seen, { [thabo.device]: 1 }, 'of a third laptop, and those before which one is missing')
  t.same((await ask(thabo, { acts: [scan(thabo, 1, 1, 'R9')] })).seen, { [thabo.device]: 1 })
  t.match(laptop.store.$client.prepare('SELECT act FROM desk_acts WHERE handover = ?').all(id), [
    { act: /"text":"R1"/ },
  ])
  const restored = await ask(thabo, { seen: { [device.device]: 1 }, acts: [scan(device, 1, 2)] })
  t.same(restored.seen, { [thabo.device]: 1, [device.device]: 1 }, 'its own acts, which its disk lost, come back')
})

t.test('a forged document closes nothing; what the driver signed does', async (t) => {
  const { ask, thabo, naledi, device, laptop, id, served } = await begin(t)
  const lines = [handoverLine('1', { model, changeId: 'c-1' })]
  const content = { id, began: at, lines }
  const good = await craftHandover({ giver: device, taker: thabo }, content)
  const foreign = await craftHandover({ giver: device, taker: thabo, signer: naledi }, content)
  const forged = [
    await craftSignature(naledi, good.digest, { id, by: thabo.device }),
    await craftSignature(naledi, good.digest, { id }),
    await craftSignature(thabo, good.digest, { id, meaning: 'handedOver' }),
  ]
  const credentials = [...credentialsOf(thabo), ...credentialsOf(naledi)]
  const flipped = `${good.jws.slice(0, -8)}${good.jws.at(-8) === 'A' ? 'B' : 'A'}${good.jws.slice(-7)}`
  const documents = [flipped, foreign.jws, ...forged.map(({ jws }) => jws)]
  t.same((await ask(thabo, { documents, credentials })).have, [])
  t.equal(served(), 1)
  t.same((await ask(thabo, { documents: [good.jws] })).have, [good.digest])
  t.equal(served(), 1, 'written down is not signed')
  const signature = await craftSignature(thabo, good.digest, { id })
  await ask(thabo, { documents: [signature.jws, signature.jws] })
  t.equal(served(), 0)
  t.equal(laptop.count('desk_signatures'), 1)
  t.equal(await laptop.verify(), 0)
})

t.test('signed handovers ride with the first of many batches, once', async (t) => {
  const { ask, study, thabo, device, laptop, id } = await begin(t)
  const small = await study.publish(({ limits }) => ({ limits: { ...limits, batchChanges: 1 } }))
  await laptop.told(study.server, { studyDocument: small })
  const good = await craftHandover({ giver: device, taker: thabo }, { id, began: at, lines: [] })
  const signature = await craftSignature(thabo, good.digest, { id })
  await ask(thabo, { documents: [good.jws, signature.jws] })
  await laptop.record(
    ...Array.from({ length: 10 }, (_, n) => ({ id: `d-${n}`, model: 'a.b', action: 'insert', pk: `${n}` })),
  )
  await laptop.sealer.ask()
  const [first, ...others] = laptop.manifests()
  t.same(first?.handovers.slice(-2), [good.digest, signature.digest])
  t.same(
    others.map(({ changes, handovers }) => [changes, handovers]),
    Array.from({ length: 10 }, () => [1, []]),
  )
  t.equal(await laptop.verify(), 11)
})

t.test('signed handovers are sealed, alone or with changes, once; verify finds what was spoiled', async (t) => {
  const { ask, thabo, device, laptop, id } = await begin(t)
  const lines = [handoverLine('1', { model, changeId: 'c-1' })]
  const good = await craftHandover({ giver: device, taker: thabo }, { id, began: at, lines })
  await ask(thabo, { documents: [good.jws] })
  await laptop.sealer.ask()
  t.same(
    laptop.manifests().map(({ changes, handovers }) => [changes, handovers.length]),
    [[1, 0]],
    'not signed: not sealed',
  )
  const signature = await craftSignature(thabo, good.digest, { id })
  await ask(thabo, { documents: [signature.jws] })
  laptop.clock.pass(11_000)
  await laptop.sealer.ask()
  const [, alone] = laptop.manifests()
  t.match(alone, { changes: 0, requisitions: { count: 0 } })
  t.same(alone?.handovers.slice(-2), [good.digest, signature.digest], 'after the credentials of who signed')
  laptop.clock.pass(11_000)
  await laptop.sealer.ask()
  t.equal(laptop.manifests().length, 2, 'once')
  t.equal(await laptop.verify(), 2)
  laptop.store.$client.exec("UPDATE desk_signatures SET by = 'x'")
  await t.rejects(laptop.verify(), { code: 'PROVENANCE_BROKEN' })
})
