import { readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { fetchPayloads } from '../../relay/fetch-payloads.ts'
import { noteManifests } from '../../relay/take-custody.ts'
import { PeerClient } from '../../shared/transfer/peer-client.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { openTestRelay } from './run-relay.ts'
import { type StubBatch, StubLaptop } from './stub-laptop.ts'

/** A laptop, and a relay that has met it. */
async function begin(t: Test) {
  const study = await foundTestStudy()
  const laptop = await StubLaptop.start(await study.enrol('field', 'lap-01'))
  const relay = await openTestRelay(await study.enrol('relay', 'thabo'))
  const { hold } = relay
  const client = new PeerClient({
    identity: hold.identity,
    host: '127.0.0.1',
    port: laptop.port,
    admit: () => undefined,
  })
  t.teardown(async () => {
    await client.close()
    await relay.close()
    await laptop.close()
    study.dispose()
  })
  const { identity } = laptop.device
  await hold.trust.admitAll([identity.issuerCredential, identity.credential])
  /** Fetches; tells what became of each, by number. */
  const fetch = async (...batches: StubBatch[]) => {
    const manifests = await Promise.all(batches.map(({ jws }) => hold.trust.verify(jws, 'manifest')))
    const { whole, bad, broken } = await fetchPayloads(hold, client, noteManifests(hold, manifests))
    for (const { payloadDigest, seq } of whole)
      if (
        !(await hold.payloads.read(payloadDigest)).equals(
          batches.find(({ manifest }) => manifest.seq === seq)?.payload ?? Buffer.alloc(0),
        )
      )
        t.fail(`the bytes of ${seq} are not its own`)
    return {
      whole: whole.map(({ seq }) => seq).sort((a, b) => a - b),
      bad: new Map([...bad].map(([{ seq }, { code }]) => [seq, code])),
      broken: broken?.code,
    }
  }
  return { laptop, hold, fetch }
}

async function seal(laptop: StubLaptop, count: number): Promise<StubBatch[]> {
  const batches: StubBatch[] = []
  for (let n = 0; n < count; n++) batches.push(await laptop.seal(30_000))
  return batches
}

t.test('many payloads in one answer; what is here already is not asked for', async (t) => {
  const { laptop, fetch } = await begin(t)
  const batches = await seal(laptop, 30)
  t.match(await fetch(...batches.slice(0, 10)), { whole: { length: 10 }, broken: undefined })
  t.match(await fetch(...batches), { whole: { length: 30 }, broken: undefined })
  t.equal(laptop.offsets.length, 2, 'one request each')
  t.match(await fetch(...batches), { whole: { length: 30 } })
  t.equal(laptop.offsets.length, 2, 'none')
})

t.test('invariant 8: a bad payload, wherever it stands, spoils no other', async (t) => {
  const { laptop, fetch } = await begin(t)
  const batches = await seal(laptop, 8)
  const bent = new Map([
    [2, Buffer.alloc(30_000)],
    [4, Buffer.alloc(30_001)],
    [5, Buffer.alloc(0)],
    [8, Buffer.alloc(30_000)],
  ])
  laptop.bend = ({ manifest }) => bent.get(manifest.seq)
  laptop.batches.splice(5, 1)
  const { whole, bad, broken } = await fetch(...batches)
  t.same(whole, [1, 3, 7])
  t.same(
    bad,
    new Map([
      [2, 'DIGEST_MISMATCH'],
      [4, 'TOO_LARGE'],
      [5, 'DIGEST_MISMATCH'],
      [6, 'NOT_FOUND'],
      [8, 'DIGEST_MISMATCH'],
    ]),
  )
  t.equal(broken, undefined)
})

t.test('house rule 2: what broke off goes on where it broke; a bad beginning is fetched anew', async (t) => {
  const { laptop, hold, fetch } = await begin(t)
  const batches = await seal(laptop, 4)
  laptop.bend = ({ manifest }) => (manifest.seq === 3 ? 12_345 : undefined)
  t.same(await fetch(...batches), { whole: [1, 2], bad: new Map(), broken: 'PEER_UNREACHABLE' })
  const digest = batches[2]?.manifest.payload.digest ?? ''
  const part = `${hold.payloads.pathOf(digest)}.part`
  t.equal(await hold.payloads.partial(digest), 12_345, 'what came is kept')
  laptop.bend = () => undefined
  const kept = readFileSync(part)
  t.same(await fetch(...batches), { whole: [1, 2, 3, 4], bad: new Map(), broken: undefined })
  t.same(laptop.offsets, [0, 12_345])
  await hold.payloads.remove(digest)
  kept[99] = (kept[99] ?? 0) ^ 1
  writeFileSync(part, kept)
  t.same(await fetch(...batches), { whole: [1, 2, 3, 4], bad: new Map(), broken: undefined })
  t.same(laptop.offsets.slice(2), [12_345, 0], 'from the first byte')
})

t.test('one payload that two manifests name comes once, and both have it', async (t) => {
  const { laptop, fetch } = await begin(t)
  const [first] = await seal(laptop, 1)
  if (!first) return t.fail('nothing was sealed')
  const twin = await laptop.seal(30_000, { payload: first.manifest.payload })
  const batches = [first, { ...twin, payload: first.payload }]
  t.same(await fetch(...batches), { whole: [1, 2], bad: new Map(), broken: undefined })
  t.equal(laptop.offsets.length, 1)
})
