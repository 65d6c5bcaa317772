import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { newNonce, sha256 } from '../../shared/crypto/digest.ts'
import { signerOf } from '../../shared/crypto/identity.ts'
import { signDocument } from '../../shared/crypto/sign-document.ts'
import type { Trust } from '../../shared/crypto/trust.ts'
import type { Manifest } from '../../shared/protocol/manifest.ts'
import type { Meeting } from '../../shared/protocol/meeting.ts'
import { paths } from '../../shared/protocol/paths.ts'
import { type PayloadRequest, payloadsType, writePayloadHead } from '../../shared/protocol/payload-frame.ts'
import type { OpenLine } from '../../shared/protocol/requisition-line.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { openPort } from '../../shared/transfer/open-port.ts'
import { createPeerDoor } from '../../shared/transfer/peer-door.ts'
import { type TestDevice, trustOf } from '../fixtures/study.ts'

/** A batch that the stub offers. */
export interface StubBatch {
  position: number
  digest: string
  jws: string
  manifest: Manifest
  payload: Buffer
}

/** A field laptop on the shared parts, whose behaviour a test may bend. */
export class StubLaptop {
  readonly device: TestDevice
  readonly trust: Trust
  readonly door: FastifyInstance
  readonly batches: StubBatch[] = []
  readonly custody = new Map<string, string>()
  /** Some other courier has signed for these. */
  readonly carried = new Set<string>()
  readonly meetings: Meeting[] = []
  /** Where each request for payloads wanted to go on. */
  readonly offsets: number[] = []
  lines: unknown[] = []
  /** How often they were asked for. */
  linesAsked = 0
  /** Bends the position at which a batch stands in the list. */
  place = (position: number): number => position
  chain = newNonce()
  port = 0
  /** What is sent in a payload's place: other bytes, so many of its own before the answer ends, or nothing more in this answer. */
  bend: (batch: StubBatch, reply: FastifyReply) => Buffer | number | 'held' | undefined = () => undefined
  /** Loses the answer of the next requests to this path, after they took effect. */
  lose = new Map<string, number>()
  extra: Partial<Meeting> = {}

  private constructor(device: TestDevice, trust: Trust) {
    this.device = device
    this.trust = trust
    this.door = createPeerDoor(device.identity, () => undefined, createLogger('stub', 'silent'))
    this.#routes()
  }

  static async start(device: TestDevice): Promise<StubLaptop> {
    const laptop = new StubLaptop(device, await trustOf(device.identity))
    laptop.port = await openPort(laptop.door, 0, '127.0.0.1')
    return laptop
  }

  /** Seals a batch of random bytes; `change` bends its manifest before it is signed. */
  async seal(size = 1000, change: Partial<Manifest> = {}): Promise<StubBatch> {
    const payload = randomBytes(size)
    const before = this.batches.filter(({ manifest }) => manifest.chain === this.chain).at(-1)
    const manifest: Manifest = {
      ...{ v: 1, study: this.device.identity.study, producer: this.device.device, chain: this.chain },
      ...{ seq: (before?.manifest.seq ?? 0) + 1, previous: before?.digest ?? null, continues: null },
      ...{ sealedAt: '2026-11-23T08:00:00.000Z', changes: 10, studyVersion: 1 },
      payload: { digest: sha256(payload), size, recipients: ['a'.repeat(64)] },
      plain: { digest: 'b'.repeat(64), size: 10 },
      requisitions: { digest: 'c'.repeat(64), count: 0 },
      handovers: [],
      ...change,
    }
    const { jws, digest } = await signDocument('manifest', manifest, signerOf(this.device.identity))
    const batch = { position: this.batches.length + 1, digest, jws, manifest, payload }
    this.batches.push(batch)
    return batch
  }

  line(pk: string): OpenLine {
    return {
      requisition: pk,
      model: 'lab.requisition',
      pk,
      changeId: pk,
      action: 'insert',
      fields: {},
      handedOver: null,
      doubtful: false,
    }
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
    this.door.get(paths.lines, async (_request, reply) => {
      this.linesAsked += 1
      return reply.type('application/x-ndjson').send(ndjson(this.lines))
    })
    this.door.get<{ Querystring: Record<string, string> }>(paths.manifests, async ({ query }, reply) => {
      const listed = [false, true].flatMap((carried) =>
        this.batches
          .filter(({ digest }) => (this.custody.has(digest) || this.carried.has(digest)) === carried)
          .filter(({ position }) => position > Number(carried ? query.carriedAfter : query.after))
          .map(({ position, jws }) => ({ position: this.place(position), manifest: jws, carried })),
      )
      return reply.type('application/x-ndjson').send(ndjson(listed.slice(0, Number(query.limit))))
    })
    this.door.post<{ Body: PayloadRequest }>(paths.payloads, async ({ body }, reply) => {
      this.offsets.push(body.offset)
      return reply.type(payloadsType).send(Readable.from(this.#payloads(body, reply)))
    })
    this.door.post<{ Body: { receipts: string[] } }>(paths.custody, async (request, reply) => {
      for (const jws of request.body.receipts) {
        const { document } = await this.trust.verify(jws, 'custody')
        const held = this.custody.get(document.manifest)
        if (held !== undefined && held !== jws) throw new Error('a second receipt with other bytes')
        this.custody.set(document.manifest, jws)
      }
      const loses = this.lose.get(paths.custody) ?? 0
      if (loses > 0) {
        this.lose.set(paths.custody, loses - 1)
        request.raw.socket.destroy()
        return reply
      }
      return { taken: request.body.receipts.length }
    })
  }

  async *#payloads({ digests, offset }: PayloadRequest, reply: FastifyReply): AsyncGenerator<Uint8Array> {
    for (const [index, digest] of digests.entries()) {
      const batch = this.batches.find(({ manifest }) => manifest.payload.digest === digest)
      const bent = batch && this.bend(batch, reply)
      if (bent === 'held') return void (await once(reply.raw, 'close'))
      const bytes = typeof bent === 'object' ? bent : batch?.payload
      const from = index === 0 ? offset : 0
      yield writePayloadHead({ digest, offset: from, size: bytes?.length ?? null })
      if (bytes) yield bytes.subarray(from, typeof bent === 'number' ? from + bent : bytes.length)
      if (typeof bent === 'number') return
    }
  }

  async #meeting(): Promise<Meeting> {
    const { credential, issuerCredential } = this.device.identity
    const last = this.batches.filter(({ manifest }) => manifest.chain === this.chain).at(-1)
    return {
      ...{ v: 1, at: '2026-11-23T08:00:00.000Z', studyVersion: 1, studyDocument: null },
      credentials: [issuerCredential, credential],
      ...{ deliveries: [], gaps: [], custody: [], manifests: [], incarnation: null },
      lines: sha256(ndjson(this.lines)),
      head: { chain: this.chain, seq: last?.manifest.seq ?? 0, unsealed: 0 },
      ...this.extra,
    }
  }
}

function ndjson(rows: unknown[]): string {
  return rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('')
}
