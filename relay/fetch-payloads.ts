import { paths } from '../shared/protocol/paths.ts'
import { mostPayloads, type PayloadFrame, readPayloadHead } from '../shared/protocol/payload-frame.ts'
import { splitFrames } from '../shared/protocol/split-frames.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { digestOfFile } from '../shared/storage/durable-file.ts'
import type { Receiving } from '../shared/storage/receiving.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import type { Hold } from './open-store.ts'
import type { BatchRow } from './take-custody.ts'

const graceMs = 20_000
const leastBytesPerSecond = 1024

/** What became of the payloads that were asked for. */
export interface Fetched {
  /** Their bytes on this disk are the ones that their manifests signed. */
  whole: BatchRow[]
  /** What was sent wrongly, or not at all. */
  bad: Map<BatchRow, WaybillError>
  /** Why the rest did not come; what came of it is kept for the next try. */
  broken: WaybillError | undefined
}

// These are faults of what was sent, not of the way or of this disk.
const faults: ErrorCode[] = ['DIGEST_MISMATCH', 'TOO_LARGE', 'NOT_FOUND']

/**
 * Brings payloads onto this disk, all in one answer of the laptop: what is whole here is only hashed again, what was broken off goes
 * on where it broke. One bad payload holds up none (invariant 8).
 */
export async function fetchPayloads(hold: Hold, client: PeerClient, batches: BatchRow[]): Promise<Fetched> {
  const fetching = new Fetching(hold, client)
  try {
    await fetching.take(batches)
  } catch (error) {
    fetching.fetched.broken = asWaybillError(error)
  }
  if (fetching.fetched.whole.length > 0) await hold.payloads.sync()
  return fetching.fetched
}

interface Came {
  receiving: Receiving
  batch: BatchRow
}

class Fetching {
  readonly fetched: Fetched = { whole: [], bad: new Map(), broken: undefined }
  readonly #hold: Hold
  readonly #client: PeerClient
  /** What came to its end, and may not have reached the disk. */
  #came: Came[] = []
  /** Goes on from the middle: should it prove bad, it comes once more, from the first byte. */
  #resumed: BatchRow | undefined
  #again: BatchRow | undefined

  constructor(hold: Hold, client: PeerClient) {
    this.#hold = hold
    this.#client = client
  }

  async take(batches: BatchRow[]): Promise<void> {
    const wanted = await this.#missing(batches)
    const { firsts, twins } = apart(wanted)
    for (let first = 0; first < firsts.length; first += mostPayloads)
      await this.#ask(firsts.slice(first, first + mostPayloads))
    if (this.#again) await this.#ask([this.#again])
    if (twins.length > 0) await this.take(twins)
  }

  /** What is not whole here; what was begun comes first, since only there an answer goes on from the middle. */
  async #missing(batches: BatchRow[]): Promise<BatchRow[]> {
    const begun: BatchRow[] = []
    const others: BatchRow[] = []
    for (const batch of batches) {
      try {
        if (await isWhole(this.#hold, batch)) this.fetched.whole.push(batch)
        else if ((await this.#hold.payloads.partial(batch.payloadDigest)) > 0) begun.push(batch)
        else others.push(batch)
      } catch (error) {
        this.#fault(batch, error)
      }
    }
    return [...begun, ...others]
  }

  async #ask(batches: BatchRow[]): Promise<void> {
    const [first] = batches
    if (!first) return
    const partial = await this.#hold.payloads.partial(first.payloadDigest)
    const offset = partial > first.payloadSize ? 0 : partial
    this.#resumed = offset > 0 ? first : undefined
    const digests = batches.map(({ payloadDigest }) => payloadDigest)
    const body = await this.#client.stream(paths.payloads, { digests, offset }, notTooSlow(this.#hold.clock))
    try {
      await this.#receive(batches, splitFrames(body, readPayloadHead))
    } finally {
      await this.#finish()
    }
  }

  async #receive(batches: BatchRow[], pieces: ReturnType<typeof splitFrames<PayloadFrame>>): Promise<void> {
    const left = batches.values()
    let receiving: Receiving | undefined
    let batch: BatchRow | undefined
    try {
      for await (const piece of pieces) {
        if (piece.head) {
          batch = left.next().value
          receiving = await this.#begin(batch, piece.head)
        } else receiving?.write(piece.bytes)
        const isLast = piece.head ? piece.size === 0 : piece.left === 0
        if (!isLast || !receiving || !batch) continue
        this.#came.push({ receiving, batch })
        receiving = undefined
      }
    } finally {
      receiving?.abandon()
    }
    if (left.next().value) throw new WaybillError('PEER_UNREACHABLE', 'the answer broke off')
  }

  /** @returns undefined where the bytes that follow are of no use */
  async #begin(batch: BatchRow | undefined, { digest, offset, size }: PayloadFrame): Promise<Receiving | undefined> {
    if (batch?.payloadDigest !== digest)
      throw new WaybillError('BAD_DOCUMENT', `${paths.payloads}: not the payload that was asked for`)
    try {
      checkSize(batch, size)
      return await this.#hold.payloads.begin(digest, batch.payloadSize, offset)
    } catch (error) {
      this.#fault(batch, error)
      return undefined
    }
  }

  /** The disk is asked for all at once when all are here: to begin a file while another one is fsynced waits for that. */
  async #finish(): Promise<void> {
    const came = this.#came
    this.#came = []
    const failed = new Map<BatchRow, unknown>()
    const finish = ({ receiving, batch }: Came) =>
      receiving.finish().then(
        () => this.fetched.whole.push(batch),
        (error: unknown) => failed.set(batch, error),
      )
    await Promise.all(came.map(finish))
    for (const [batch, error] of failed) this.#fault(batch, error)
  }

  /** @throws what is no fault of what was sent */
  #fault(batch: BatchRow, thrown: unknown): void {
    const error = asWaybillError(thrown)
    if (!faults.includes(error.code)) throw error
    // The part that an earlier meeting left was bad.
    if (batch === this.#resumed && error.code === 'DIGEST_MISMATCH') this.#again = batch
    else this.fetched.bad.set(batch, error)
  }
}

/** Two manifests may name one payload: it is asked for once, and what has come is there for the other. */
function apart(batches: BatchRow[]): { firsts: BatchRow[]; twins: BatchRow[] } {
  const firsts = new Map<string, BatchRow>()
  for (const batch of batches) if (!firsts.has(batch.payloadDigest)) firsts.set(batch.payloadDigest, batch)
  return { firsts: [...firsts.values()], twins: batches.filter((batch) => firsts.get(batch.payloadDigest) !== batch) }
}

/** @throws DIGEST_MISMATCH when the manifest's size lies about bytes that are whole here */
async function isWhole({ payloads }: Hold, { payloadDigest: digest, payloadSize: size }: BatchRow): Promise<boolean> {
  if (!(await payloads.has(digest))) return false
  const stored = await digestOfFile(payloads.pathOf(digest))
  if (stored.digest !== digest) {
    // The disk lost it since: it is fetched again.
    await payloads.remove(digest)
    return false
  }
  if (stored.size !== size)
    throw new WaybillError('DIGEST_MISMATCH', `the payload has ${stored.size} bytes, not ${size}`)
  return true
}

/** @throws NOT_FOUND, TOO_LARGE, DIGEST_MISMATCH */
function checkSize({ payloadDigest, payloadSize }: BatchRow, size: number | null): void {
  if (size === null) throw new WaybillError('NOT_FOUND', `the other side says: payload ${payloadDigest} is not here`)
  if (size > payloadSize) throw new WaybillError('TOO_LARGE', `more than the declared ${payloadSize} bytes would come`)
  if (size < payloadSize) throw new WaybillError('DIGEST_MISMATCH', `only ${size} of ${payloadSize} bytes would come`)
}

/** @throws PEER_UNREACHABLE when fewer bytes come than a connection that works brings */
function notTooSlow(clock: Clock): (bytes: number) => void {
  const began = clock.monotonic()
  let all = 0
  return (bytes) => {
    all += bytes
    const tookMs = clock.monotonic() - began
    if (tookMs > graceMs && (all * 1000) / tookMs < leastBytesPerSecond)
      throw new WaybillError('PEER_UNREACHABLE', 'the connection is too slow; it goes on where it broke')
  }
}
