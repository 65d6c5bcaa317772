import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { sha256 } from '../../../shared/crypto/digest.ts'
import { readBatchHead } from '../../../shared/protocol/batch-frame.ts'
import { paths } from '../../../shared/protocol/paths.ts'
import { splitFrames } from '../../../shared/protocol/split-frames.ts'
import { createLogger } from '../../../shared/service/logger.ts'
import { PayloadStore } from '../../../shared/storage/payload-store.ts'
import { type HandOnBatch, handOn, type SignedFor } from '../../../shared/transfer/hand-on.ts'
import { openPort } from '../../../shared/transfer/open-port.ts'
import { PeerClient } from '../../../shared/transfer/peer-client.ts'
import { createPeerDoor } from '../../../shared/transfer/peer-door.ts'
import { foundTestStudy } from '../../fixtures/study.ts'

const study = await foundTestStudy()
const relay = await study.enrol('relay', 'driver')
const payloads = new PayloadStore(join(study.directory, 'payloads'))
const door = createPeerDoor(study.server.identity, () => undefined, createLogger('test', 'silent'))
/** What the server holds, refuses, or never answers, by manifest. */
const server = {
  held: new Set<string>(),
  refuses: new Set<string>(),
  breaksAt: '',
  offers: 0,
  requests: 0,
  atOnce: 0,
  most: 0,
}
const arrived: { manifest: string; payload: string }[] = []
const custodyOf = (manifest: string) => `custody.of.${Buffer.from(manifest).toString('base64url')}`
const digestOf = (manifest: string) => sha256(manifest)

door.post(paths.offers, { schema: { body: Type.Any() } }, async ({ body }) => {
  server.offers += 1
  const { manifests } = body as { manifests: { digest: string }[] }
  const isHeld = ({ digest }: { digest: string }) => [...server.held].some((manifest) => digestOf(manifest) === digest)
  const held = manifests.filter(isHeld).map(({ digest }) => ({ digest, custody: custodyOf('held'), delivered: false }))
  return { held, wanted: manifests.filter((offered) => !isHeld(offered)).map(({ digest }) => digest) }
})
door.post<{ Body: Readable }>(paths.batches, async ({ body, raw }) => {
  server.requests += 1
  server.most = Math.max(server.most, ++server.atOnce)
  const taken: SignedFor[] = []
  const refused: object[] = []
  let manifest = ''
  let payload: Buffer[] = []
  for await (const piece of splitFrames(body, readBatchHead)) {
    if (piece.head) manifest = piece.head.manifest
    else payload.push(piece.bytes)
    if (piece.head || piece.left > 0) continue
    if (manifest === server.breaksAt) raw.socket.destroy()
    const digest = digestOf(manifest)
    if (server.refuses.has(manifest)) refused.push({ digest, code: 'DIGEST_MISMATCH', message: 'not what was signed' })
    else {
      arrived.push({ manifest, payload: Buffer.concat(payload).toString() })
      taken.push({ digest, custody: custodyOf(manifest) })
    }
    payload = []
  }
  server.atOnce -= 1
  return { taken, refused }
})
const port = await openPort(door, 0, '127.0.0.1')
const client = new PeerClient({
  identity: relay.identity,
  host: '127.0.0.1',
  port,
  admit: () => undefined,
  connections: 10,
})
t.teardown(async () => {
  await client.close()
  await door.close()
  study.dispose()
})

async function batchOf(n: number): Promise<HandOnBatch> {
  const manifest = `manifest.number.${n}`
  const { digest } = await payloads.put(Buffer.from(`payload ${n}`))
  return { digest: digestOf(manifest), manifest, path: [], credentials: [], at: null, head: null, payload: digest }
}

/** What became of the batches, by manifest. */
async function handOnAll(batches: HandOnBatch[]) {
  Object.assign(server, { offers: 0, requests: 0, most: 0, atOnce: 0 })
  arrived.length = 0
  const nameOf = new Map(batches.map(({ digest, manifest }) => [digest, manifest]))
  const signed = new Map<string, string>()
  const refused = new Map<string, string>()
  const thrown = await handOn(
    client,
    payloads,
    batches,
    {
      signed: async (receipts) => {
        for (const { digest, custody } of receipts) signed.set(String(nameOf.get(digest)), custody)
      },
      refused: async (digest, { code }) => void refused.set(String(nameOf.get(digest)), code),
    },
    2,
  ).then(
    () => undefined,
    ({ code }) => code,
  )
  return { signed, refused, thrown }
}

const all = await Promise.all(Array.from({ length: 250 }, (_, n) => batchOf(n)))
const manifests = all.map(({ manifest }) => manifest)

t.test('every batch is offered in runs, sent several in one request, and signed for', async (t) => {
  const { signed, refused, thrown } = await handOnAll(all)
  t.strictSame([...signed].sort(), manifests.map((manifest) => [manifest, custodyOf(manifest)]).sort())
  t.strictSame([refused.size, thrown, server.offers], [0, undefined, 3], 'in runs of 100')
  t.equal(server.requests, 7 + 7 + 4, 'several in one request')
  t.ok(server.most > 1 && server.most <= 2, `${server.most} at once`)
  t.strictSame(
    new Set(arrived.map(({ manifest, payload }) => `${manifest} ${payload}`)),
    new Set(manifests.map((manifest, n) => `${manifest} payload ${n}`)),
    'each with its own bytes',
  )
})

t.test('invariant 2: what the server holds is signed for again, and not sent', async (t) => {
  server.held = new Set(manifests.slice(0, 200))
  const { signed } = await handOnAll(all)
  t.equal(signed.size, 250)
  t.strictSame(arrived.map(({ manifest }) => manifest).sort(), manifests.slice(200).sort())
  server.held.clear()
})

t.test('invariant 8: a batch that is refused, or whose payload this disk lost, holds up no other', async (t) => {
  const [bad, lost] = [manifests[3], manifests[120]] as [string, string]
  server.refuses.add(bad)
  await payloads.remove(String(all[120]?.payload))
  const { signed, refused, thrown } = await handOnAll(all)
  t.strictSame(
    refused,
    new Map([
      [bad, 'DIGEST_MISMATCH'],
      [lost, 'NOT_FOUND'],
    ]),
  )
  t.equal(thrown, undefined)
  t.equal(signed.size, 248, 'those before and those after')
  server.refuses.clear()
})

t.test('invariant 4: when the server is lost on the way, what it signed for is kept, and no more', async (t) => {
  server.breaksAt = String(manifests[150])
  const { signed, refused, thrown } = await handOnAll(all.filter((_, n) => n !== 120))
  t.equal(thrown, 'PEER_UNREACHABLE')
  t.equal(refused.size, 0, 'nothing is set aside for a broken connection')
  t.equal(signed.has(server.breaksAt), false)
  t.ok(
    manifests.slice(0, 100).every((manifest) => signed.has(manifest)),
    'the run before',
  )
  t.strictSame(
    [...signed.keys()].filter((manifest) => !arrived.some((batch) => batch.manifest === manifest)),
    [],
  )
  t.equal(server.offers, 2, 'the run after was not begun')
})
