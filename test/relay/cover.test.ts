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

/** A relay that has these batches aboard, each named by its number and branch: 5a. */
function begin(t: Test, ...aboard: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'waybill-cover-'))
  const store = openRelayStore(directory)
  t.teardown(() => {
    store.$client.close()
    rmSync(directory, { recursive: true })
  })
  const put = store.$client.prepare(
    `INSERT INTO manifests (digest, producer, chain, seq, jws, payloadDigest, payloadSize, changes, state)
     VALUES (?, ?, ?, ?, ?, ?, 1, 1, 'aboard')`,
  )
  for (const name of aboard)
    put.run(sha256(name), producer, chain, Number.parseInt(name, 10), name, sha256(`of ${name}`))
  const delivered = () =>
    store.$client.prepare<[], string>("SELECT jws FROM manifests WHERE state = 'delivered' ORDER BY id").pluck().all()
  /** A server's receipt up to a batch. @returns what is called delivered after it */
  const told = (name: string, above: DeliveryReceipt['above'] = []) => {
    const receipt = { through: Number.parseInt(name, 10), throughDigest: name === '0' ? null : sha256(name), above }
    coverBatches(store, {
      ...{ v: 1, study: '', producer, chain, safeThrough: 0, server: 'server', at: '2026-11-24T08:00:00.000Z' },
      ...{ incarnation: { number: 1, nonce: chain } },
      ...receipt,
    })
    return delivered()
  }
  return { told }
}

t.test('a receipt covers what is aboard up to its number, and above', async (t) => {
  const { told } = begin(t, '1a', '2a', '3a', '5a', '6a')
  t.same(told('0'), [])
  t.same(told('2a'), ['1a', '2a'])
  t.same(told('2a', [[5, 5]]), ['1a', '2a', '5a'])
  t.same(told('7a'), ['1a', '2a', '3a', '5a', '6a'], 'a batch that never was aboard')
})

t.test('invariant 9: a receipt for the other branch of a fork calls nothing of this one delivered', async (t) => {
  const { told } = begin(t, '3a', '4a', '5a')
  t.same(told('5b', [[7, 8]]), [])
  t.same(told('4b'), [])
  t.same(told('5a'), ['3a', '4a', '5a'])
})

t.test('invariant 9: where both branches are aboard, the number that they share is not called delivered', async (t) => {
  const { told } = begin(t, '4a', '5a', '5b')
  t.same(told('5b'), ['4a'])
  t.same(told('6b'), ['4a'])
})
