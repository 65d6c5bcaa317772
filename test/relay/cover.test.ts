import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { coverBatches } from '../../relay/cover.ts'
import { openRelayStore } from '../../relay/open-store.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import type { DeliveryReceipt } from '../../shared/protocol/delivery-receipt.ts'

const producer = 'lap-01'
const chain = '0'.repeat(32)

/** A relay that has these batches aboard, each named by its number and branch, and what it follows: 5b after 4a. */
function begin(t: Test, ...aboard: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'waybill-cover-'))
  const store = openRelayStore(directory)
  t.teardown(() => {
    store.$client.close()
    rmSync(directory, { recursive: true })
  })
  const put = store.$client.prepare(
    `INSERT INTO manifests (digest, previous, producer, chain, seq, jws, payloadDigest, payloadSize, changes, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, 1, 1, 'aboard')`,
  )
  for (const batch of aboard) {
    const [name = '', previous] = batch.split(' after ')
    const seq = Number.parseInt(name, 10)
    const before = sha256(previous ?? `${seq - 1}${name.at(-1)}`)
    put.run(sha256(name), before, producer, chain, seq, name, sha256(`of ${name}`))
  }
  const delivered = () =>
    store.$client.prepare<[], string>("SELECT jws FROM manifests WHERE state = 'delivered' ORDER BY id").pluck().all()
  /** A server's receipt up to a batch. @returns what is called delivered after it */
  const told = (name: string, above: DeliveryReceipt['above'] = [], of = chain) => {
    const receipt = { through: Number.parseInt(name, 10), throughDigest: name === '0' ? null : sha256(name), above }
    coverBatches(store, {
      ...{ v: 1, study: '', producer, chain: of, safeThrough: 0, server: 'server', at: '2026-11-24T08:00:00.000Z' },
      ...{ incarnation: { number: 1, nonce: chain } },
      ...receipt,
    })
    return delivered()
  }
  return { told }
}

t.test('a receipt covers the batch that it names, and what that one follows as far as it is aboard', async (t) => {
  const { told } = begin(t, '1a', '2a', '3a', '5a', '6a')
  t.same(told('0'), [])
  t.same(told('2a'), ['1a', '2a'])
  t.same(told('6a'), ['1a', '2a', '5a', '6a'], 'which number 3 batch 4a follows is not known here')
  t.same(told('3a'), ['1a', '2a', '3a', '5a', '6a'])
})

t.test('above a gap it covers the runs that it names, and no more of what those follow', async (t) => {
  const { told } = begin(t, '1a', '4a', '5a', '6a', '8b')
  t.same(
    told('1a', [
      [5, 6, sha256('6a')],
      [8, 8, sha256('8a')],
    ]),
    ['1a', '5a', '6a'],
  )
  t.same(told('6a'), ['1a', '4a', '5a', '6a'], 'once the gap is filled')
})

t.test('a receipt that names a batch in a place that is not its own covers nothing', async (t) => {
  const { told } = begin(t, '1a', '2a')
  t.same(told('0', [[2, 3, sha256('2a')]]), [], 'another number')
  t.same(told('2a', [], '1'.repeat(32)), [], 'another chain')
})

t.test('invariant 9: a number that a receipt counts is not yet a batch that it means', async (t) => {
  const { told } = begin(t, '4a', '5a')
  t.same(told('7a'), [], 'it may as well name 7b, whose laptop was restored')
})

t.test('invariant 9: a receipt for the other branch of a fork calls nothing of this one delivered', async (t) => {
  const { told } = begin(t, '3a', '4a', '5a', '7a')
  t.same(told('5b', [[7, 8, sha256('8b')]]), [])
  t.same(told('4b'), [])
  t.same(told('5a'), ['3a', '4a', '5a'])
})

t.test('invariant 9: where both branches are aboard, the one that the receipt names is delivered', async (t) => {
  const { told } = begin(t, '3a', '4a', '5a', '4b after 3a', '5b')
  t.same(told('5b'), ['3a', '4b', '5b'])
  t.same(told('6b'), ['3a', '4b', '5b'])
})

t.test('invariant 9: a batch of the other branch below the one that is named is not delivered', async (t) => {
  const { told } = begin(t, '4a', '5b')
  t.same(told('5b'), ['5b'])
})
