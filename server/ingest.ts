import { SqliteError } from 'better-sqlite3'
import { documentDigest } from '../shared/crypto/sign-document.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { type BatchHead, mostBatches, readBatchHead } from '../shared/protocol/batch-frame.ts'
import { splitFrames } from '../shared/protocol/split-frames.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { bringing } from './bringing.ts'
import { checkPlace } from './chain.ts'
import { lacksPayload } from './lost-payload.ts'
import { custodyOf, type SignForContext, signFor } from './sign-for.ts'
import { type Brought, verifyBrought } from './verify-brought.ts'

/** What taking batches in needs to know. */
export interface IngestContext extends SignForContext {
  trust: Trust
}

/** What became of each batch that was brought. */
export interface Ingested {
  /** This server's custody receipts. */
  taken: Array<{ digest: string; custody: string }>
  /** What is wrong with the others; nothing of them is kept. */
  refused: Array<{ digest: string; error: WaybillError }>
}

/** A batch on its way in. */
interface Entry {
  brought: Brought
  /** Why its payload could not be stored. */
  stored: Promise<WaybillError | undefined>
}

/** So many are numbered and signed for together; as many payloads may wait for the disk. */
const group = 16

/**
 * Takes batches in from whoever brings them: verified, on disk, hashed again, numbered and signed for, in that order (invariant 4).
 * What came whole is kept, and can be signed for, though the rest breaks off.
 * @param source the frames, as `POST /v1/batches` takes them
 * @throws BAD_DOCUMENT where it is no frame, DISK_FULL, and what the source throws
 */
export async function ingest(
  context: IngestContext,
  giver: string,
  source: AsyncIterable<Uint8Array>,
): Promise<Ingested> {
  const intake = new Intake(context, giver)
  try {
    await intake.read(source)
  } finally {
    await intake.commit()
  }
  return intake.ingested
}

/**
 * Takes in one batch that is here already whole, as this server's own are.
 * @returns this server's custody receipt
 * @throws what is wrong with it; LOCKED for what this server sealed itself, where another came first
 */
export async function ingestOne(
  context: IngestContext,
  giver: string,
  batch: BatchHead,
  payload: Buffer,
): Promise<string> {
  const intake = new Intake(context, giver)
  await intake.add(batch, [payload])
  await intake.commit()
  const { taken, refused } = intake.ingested
  if (refused[0]) throw refused[0].error
  return taken[0]?.custody ?? ''
}

class Intake {
  readonly ingested: Ingested = { taken: [], refused: [] }
  readonly #context: IngestContext
  readonly #giver: string
  #entries: Entry[] = []

  constructor(context: IngestContext, giver: string) {
    this.#context = context
    this.#giver = giver
  }

  async read(source: AsyncIterable<Uint8Array>): Promise<void> {
    let head: BatchHead | undefined
    let payload: Buffer[] = []
    let count = 0
    for await (const piece of splitFrames(source, readBatchHead)) {
      if (piece.head) {
        head = piece.head
        count += 1
        if (count > mostBatches) throw new WaybillError('TOO_LARGE', `more than ${mostBatches} batches in one request`)
      } else payload.push(piece.bytes)
      const isWhole = piece.head ? piece.size === 0 : piece.left === 0
      if (!isWhole || !head) continue
      await this.add(head, payload)
      payload = []
    }
  }

  /** Numbers and signs for what came until now. */
  async commit(): Promise<void> {
    const entries = this.#entries
    this.#entries = []
    const errors = await Promise.all(entries.map(({ stored }) => stored))
    const whole = entries.filter((_, index) => errors[index] === undefined)
    try {
      const outcomes = whole.length === 0 ? [] : await this.#signFor(whole)
      for (const [index, outcome] of outcomes.entries()) this.#note(whole[index], outcome)
      for (const [index, error] of errors.entries()) if (error) this.#note(entries[index], error)
    } finally {
      for (const { brought } of entries) bringing.end(this.#pathOf(brought))
    }
  }

  async add(batch: BatchHead, payload: Buffer[]): Promise<void> {
    try {
      const brought = await verifyBrought(this.#context.trust, this.#giver, batch)
      const isWanted = this.#isWanted(brought)
      bringing.begin(this.#pathOf(brought))
      const stored = isWanted
        ? this.#store(brought, payload).then(() => undefined, asWaybillError)
        : Promise.resolve(undefined)
      this.#entries.push({ brought, stored })
    } catch (error) {
      this.ingested.refused.push({ digest: documentDigest(batch.manifest), error: asWaybillError(error) })
    }
    if (this.#entries.length >= group) await this.commit()
  }

  /** Whether its payload is to be stored. @throws CHAIN_BROKEN, QUOTA_EXCEEDED */
  #isWanted({ manifest }: Brought): boolean {
    const { store, shelf } = this.#context
    if (custodyOf(store, manifest.digest) !== undefined) return lacksPayload(store, manifest.digest)
    checkPlace(store, manifest, shelf.document.limits.producerBytes)
    return true
  }

  async #store({ manifest }: Brought, payload: Buffer[]): Promise<void> {
    const { digest, size } = manifest.document.payload
    await this.#context.payloads.take(digest, size, 0, payload)
  }

  async #signFor(entries: Entry[]): Promise<(string | WaybillError)[]> {
    const brought = entries.map((entry) => entry.brought)
    try {
      await this.#context.payloads.sync()
      return await signFor(this.#context, brought)
    } catch (error) {
      // What the database itself threw is not certain: what may be numbered keeps its payload.
      if (error instanceof SqliteError) for (const one of brought) bringing.keep(this.#pathOf(one))
      return brought.map(() => asWaybillError(error))
    }
  }

  #note(entry: Entry | undefined, outcome: string | WaybillError): void {
    if (!entry) return
    const { digest } = entry.brought.manifest
    if (outcome instanceof WaybillError) this.ingested.refused.push({ digest, error: outcome })
    else {
      bringing.keep(this.#pathOf(entry.brought))
      this.ingested.taken.push({ digest, custody: outcome })
    }
  }

  #pathOf({ manifest }: Brought): string {
    return this.#context.payloads.pathOf(manifest.document.payload.digest)
  }
}
