import { truncateSync, unlinkSync } from 'node:fs'
import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { ownMeeting } from '../../daemon/meet.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import { documentDigest } from '../../shared/crypto/sign-document.ts'
import { Meeting, maxMeetingBytes } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { type PayloadFrame, readPayloadHead } from '../../shared/protocol/payload-frame.ts'
import { splitFrames } from '../../shared/protocol/split-frames.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import type { PeerClient } from '../../shared/transfer/peer-client.ts'
import { visit } from '../fixtures/daemon-doors.ts'
import { change, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { custody, delivery, life } from '../fixtures/daemon-receipts.ts'
import { foundTestStudy, type TestDevice } from '../fixtures/study.ts'

const Taken = Type.Object({ taken: Type.Integer() })
const Entry = Type.Object({ position: Type.Integer(), manifest: Type.String(), carried: Type.Boolean() })

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const relay = await study.enrol('relay', 'driver')
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  return { study, laptop, relay, server: study.server, client: await visit(t, laptop, relay) }
}

async function listed(client: PeerClient, carried = false, after = 0): Promise<string[]> {
  const path = `${paths.manifests}?after=${after}&carriedAfter=${after}&limit=100`
  const page = await client.lines(path, Entry, 1_000_000)
  return page.filter((entry) => entry.carried === carried).map(({ manifest }) => documentDigest(manifest))
}

interface Given extends PayloadFrame {
  bytes: number
  sha256: string
}

/** What is answered for each payload. */
async function given(client: PeerClient, ...payloads: Array<string | undefined>): Promise<Given[]> {
  return read(await client.stream(paths.payloads, { digests: payloads, offset: 0 }))
}

async function read(body: AsyncIterable<Uint8Array>): Promise<Given[]> {
  const frames: { head: PayloadFrame; bytes: Buffer[] }[] = []
  for await (const piece of splitFrames(body, readPayloadHead)) {
    if (piece.head) frames.push({ head: piece.head, bytes: [] })
    else frames.at(-1)?.bytes.push(piece.bytes)
  }
  return frames.map(({ head, bytes }) => {
    const all = Buffer.concat(bytes)
    return { ...head, bytes: all.length, sha256: sha256(all) }
  })
}

async function meet(client: PeerClient, { identity }: TestDevice, told: Partial<Meeting> = {}): Promise<Meeting> {
  const own: Meeting = {
    ...{
      v: 1,
      at: '2026-11-24T08:00:00.000Z',
      studyVersion: 1,
      studyDocument: null,
      head: null,
      lines: null,
      incarnation: null,
    },
    ...{
      credentials: [identity.issuerCredential, identity.credential],
      deliveries: [],
      gaps: [],
      custody: [],
      manifests: [],
    },
    ...told,
  }
  return client.json('POST', paths.meeting, own, Meeting, maxMeetingBytes)
}

/** From now on the database takes nothing more. */
function fill({ store }: TestLaptop): void {
  store.$client.pragma('query_only = ON')
}

t.test('invariant 8: a disk that takes nothing more holds up nothing that is sealed', async (t) => {
  const { laptop, relay, client } = await begin(t)
  const [batch] = await laptop.sealed('a')
  await laptop.record(change('b'))
  class Full extends PayloadStore {
    override put(): Promise<never> {
      throw new WaybillError('DISK_FULL', 'no room')
    }
  }
  laptop.payloads = new Full(`${laptop.device.data}/payloads`)
  fill(laptop)
  t.equal((await meet(client, relay)).head?.seq, 1, 'people still meet')
  t.same(await listed(client), [batch?.digest], 'what is sealed is told of')
  t.match(await given(client, batch?.payload), [{ digest: batch?.payload }], 'and given')
  t.equal(laptop.count('outbox'), 1)
})

t.test('invariant 9: what cannot be sealed is told as the last error', async (t) => {
  const { laptop, client } = await begin(t)
  class Full extends PayloadStore {
    override put(): Promise<never> {
      throw new WaybillError('DISK_FULL', 'no room')
    }
  }
  laptop.payloads = new Full(`${laptop.device.data}/payloads`)
  await laptop.record(change('b'))
  t.same(await listed(client), [])
  t.match(laptop.status().lastError, { code: 'DISK_FULL', about: 'sealing' })
})

t.test('invariant 8: a payload that this disk lost is told of as such, and the others flow', async (t) => {
  const { laptop, client } = await begin(t)
  const [gone, cut, whole] = await laptop.sealed('a', 'b', 'c')
  unlinkSync(laptop.payloads.pathOf(gone?.payload ?? ''))
  truncateSync(laptop.payloads.pathOf(cut?.payload ?? ''), 10)
  const answered = await given(client, gone?.payload, whole?.payload, cut?.payload)
  t.same(
    answered.map(({ digest, size }) => [digest, size === null]),
    [
      [gone?.payload, true],
      [whole?.payload, false],
      [cut?.payload, true],
    ],
  )
  t.equal(answered[1]?.sha256, whole?.payload)
  t.match(laptop.status().lastError, { code: 'STORAGE_FAILED', about: cut?.payload })
})

t.test(
  'payloads come in the order asked for; the first goes on where it broke; what is not ours is told of',
  async (t) => {
    const { laptop, client } = await begin(t)
    const [one, two] = await laptop.sealed('a', 'b')
    const digests = [two?.payload ?? '', sha256('of nobody'), one?.payload ?? '']
    const ask = async (offset: number) => read(await client.stream(paths.payloads, { digests, offset }))
    const [all, none, other] = await ask(0)
    t.same([all?.sha256, none?.size, other?.sha256], [two?.payload, null, one?.payload])
    const size = all?.size ?? 0
    t.match(await ask(100), [{ offset: 100, bytes: size - 100 }, { size: null }, { offset: 0, sha256: one?.payload }])
    t.match(await ask(size), [{ offset: size, bytes: 0 }, {}, { sha256: one?.payload }], 'nothing is left of it')
    t.match(await ask(size + 1), [{ offset: 0, sha256: two?.payload }, {}, {}], 'more than it has: from the first byte')
    await t.rejects(client.stream(paths.payloads, { digests: ['../x'], offset: 0 }), { code: 'BAD_REQUEST' })
    await t.rejects(client.stream(paths.payloads, { digests: [], offset: 0 }), { code: 'BAD_REQUEST' })
  },
)

t.test('what nobody carries comes first, then the rest; what is delivered is told of no more', async (t) => {
  const { laptop, relay, server, client } = await begin(t)
  const batches = await laptop.sealed('a', 'b', 'c', 'd')
  const digests = batches.map(({ digest }) => digest)
  const [first, second, third, fourth] = batches
  if (!first || !second || !third || !fourth) throw new Error('four batches were sealed')
  t.same(await listed(client), digests)
  const given = await custody(relay, laptop, second)
  const give = (...receipts: string[]) => client.json('POST', paths.custody, { receipts }, Taken, 1000)
  await t.rejects(give(given), { code: 'CREDENTIAL_REFUSED' }, 'from a stranger: to be given again after a meeting')
  await meet(client, relay)
  t.same(await give(given, await custody(relay, laptop, third)), { taken: 2 })
  t.same(
    [await listed(client, false), await listed(client, true)],
    [
      [digests[0], digests[3]],
      [digests[1], digests[2]],
    ],
  )
  t.same(await listed(client, false, first.position), [digests[3]])
  const page = await client.lines(`${paths.manifests}?after=0&carriedAfter=0&limit=3`, Entry, 1_000_000)
  t.same(
    page.map(({ manifest }) => documentDigest(manifest)),
    [digests[0], digests[3], digests[1]],
  )
  const incarnation = life()
  await meet(client, relay, { deliveries: [await delivery(server, laptop, second, { incarnation })] })
  t.same([await listed(client, false), await listed(client, true)], [[digests[3]], [digests[2]]])
  await meet(client, relay, {
    deliveries: [await delivery(server, laptop, first, { incarnation: { ...life(), number: 2 } })],
  })
  t.same(
    [await listed(client, false), await listed(client, true)],
    [[digests[3]], [digests[1], digests[2]]],
    'pending again after the server was restored',
  )
})

t.test("a meeting shows old lives' receipts, as proof for the server of what it once had", async (t) => {
  const { laptop, server } = await begin(t)
  const [, second] = await laptop.sealed('a', 'b')
  if (!second) throw new Error('two batches were sealed')
  const old = await delivery(server, laptop, second, { safeThrough: 2, incarnation: life(1) })
  const anew = await delivery(server, laptop, { ...second, seq: 0 }, { throughDigest: null, incarnation: life(2) })
  await laptop.told(server, { deliveries: [old] })
  await laptop.told(server, { deliveries: [anew] })
  const { store, trust, shelf, clock, device } = laptop
  const { deliveries } = await ownMeeting({ store, trust, shelf, clock, identity: device.identity }, 1)
  t.same(deliveries.toSorted(), [old, anew].toSorted())
})

t.test('invariant 7: another laptop is not answered, and neither is a revoked relay', async (t) => {
  const { laptop, relay, study } = await begin(t)
  const other = await visit(t, laptop, await study.enrol('field', 'lap-02'))
  await t.rejects(other.lines(paths.lines, Entry, 1000), { code: 'ROLE_REFUSED' })
  const revoked = await study.publish(() => ({ revocations: [{ device: relay.device, chains: [], reason: 'stolen' }] }))
  await laptop.told(study.server, { studyDocument: revoked })
  const thief = await visit(t, laptop, relay)
  await t.rejects(thief.lines(paths.lines, Entry, 1000), { code: 'REVOKED' })
})
