import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { newNonce } from '../../shared/crypto/digest.ts'
import { signerOf } from '../../shared/crypto/identity.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { signDocument } from '../../shared/crypto/sign-document.ts'
import type { Trust } from '../../shared/crypto/trust.ts'
import { type BatchHead, readBatchHead } from '../../shared/protocol/batch-frame.ts'
import type { DeliveryReceipt } from '../../shared/protocol/delivery-receipt.ts'
import type { Manifest } from '../../shared/protocol/manifest.ts'
import type { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { splitFrames } from '../../shared/protocol/split-frames.ts'
import type { ErrorCode } from '../../shared/service/errors.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { openPort } from '../../shared/transfer/open-port.ts'
import { createPeerDoor } from '../../shared/transfer/peer-door.ts'
import { type TestDevice, trustOf } from '../fixtures/study.ts'

/** A server on the shared parts that signs for what it is given; a test says what it delivers and refuses. */
export class StubServer {
  readonly device: TestDevice
  readonly trust: Trust
  readonly door: FastifyInstance
  readonly held = new Map<string, { manifest: Manifest; custody: string; frames: number }>()
  readonly meetings: Meeting[] = []
  readonly deliveries = new Map<string, string>()
  incarnation = { number: 1, nonce: newNonce() }
  refuse = new Map<string, ErrorCode>()
  /** Loses the answers of so many batches, after they took effect. */
  lose = 0
  studyDocument: string | null = null
  port = 0

  private constructor(device: TestDevice, trust: Trust) {
    this.device = device
    this.trust = trust
    this.door = createPeerDoor(device.identity, () => undefined, createLogger('stub', 'silent'))
    this.#routes()
  }

  static async start(device: TestDevice): Promise<StubServer> {
    const server = new StubServer(device, await trustOf(device.identity))
    server.port = await openPort(server.door, 0, '127.0.0.1')
    return server
  }

  /** Signs a delivery receipt for a chain, up to a batch that it holds. */
  async deliver(
    producer: string,
    chain: string,
    through: number,
    more: Partial<DeliveryReceipt> = {},
  ): Promise<string> {
    const last = [...this.held].find(([, { manifest }]) => manifest.chain === chain && manifest.seq === through)
    const receipt: DeliveryReceipt = {
      ...{ v: 1, study: this.device.identity.study, producer, chain, through, above: [] },
      throughDigest: last?.[0] ?? null,
      ...{ safeThrough: 0, server: this.device.device, incarnation: this.incarnation, at: '2026-11-23T09:00:00.000Z' },
      ...more,
    }
    const { jws } = await signDocument('delivery', receipt, signerOf(this.device.identity))
    this.deliveries.set(`${producer}/${chain}`, jws)
    return jws
  }

  async close(): Promise<void> {
    await this.door.close()
  }

  #routes(): void {
    this.door.post<{ Body: Meeting }>(paths.meeting, async (request) => {
      this.meetings.push(request.body)
      await this.trust.admitAll(request.body.credentials)
      return this.#meeting()
    })
    this.door.post<{ Body: { manifests: { digest: string }[] } }>(paths.offers, async ({ body }) => {
      const held = body.manifests.flatMap(({ digest }) => {
        const batch = this.held.get(digest)
        return batch ? [{ digest, custody: batch.custody, delivered: this.#isDelivered(batch.manifest) }] : []
      })
      const known = new Set(held.map(({ digest }) => digest))
      return { wanted: body.manifests.map(({ digest }) => digest).filter((digest) => !known.has(digest)), held }
    })
    this.door.post<{ Body: Readable }>(paths.batches, async (request, reply) => {
      const taken: Array<{ digest: string; custody: string }> = []
      const refused: Array<{ digest: string; code: string; message: string }> = []
      for await (const { head } of splitFrames(request.body, readBatchHead)) {
        if (!head) continue
        await this.trust.admitAll(head.credentials)
        const { document: manifest, digest } = await this.trust.verify(head.manifest, 'manifest')
        const code = this.refuse.get(digest)
        if (code) refused.push({ digest, code, message: 'refused by the test' })
        else taken.push({ digest, custody: await this.#sign(head, manifest, digest) })
      }
      if (this.lose > 0) {
        this.lose -= 1
        request.raw.socket.destroy()
        return reply
      }
      return { taken, refused }
    })
  }

  async #sign(head: BatchHead, manifest: Manifest, digest: string): Promise<string> {
    const receipt = await this.trust.verify(head.path.at(-1) ?? '', 'custody')
    const { jws } = await signDocument(
      'custody',
      {
        ...{ v: 1, study: this.device.identity.study, manifest: digest, hop: 2, prev: receipt.digest },
        ...{ from: receipt.document.by, by: this.device.device, at: '2026-11-23T09:00:00.000Z' },
        ...{ peerAt: null, head: null },
      },
      signerOf(this.device.identity),
    )
    this.held.set(digest, { manifest, custody: jws, frames: (this.held.get(digest)?.frames ?? 0) + 1 })
    return jws
  }

  #isDelivered({ producer, chain, seq }: Manifest): boolean {
    const jws = this.deliveries.get(`${producer}/${chain}`)
    return jws !== undefined && seq <= readDocument(jws, 'delivery').document.through
  }

  #meeting(): Meeting {
    const { credential, issuerCredential } = this.device.identity
    return {
      ...{ v: 1, at: '2026-11-23T09:00:00.000Z', studyVersion: 1, studyDocument: this.studyDocument },
      credentials: [issuerCredential, credential],
      ...{ deliveries: [...this.deliveries.values()], gaps: [], custody: [], manifests: [], head: null, lines: null },
      incarnation: this.incarnation,
    }
  }
}
