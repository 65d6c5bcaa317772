import { type Static, Type } from '@sinclair/typebox'
import PQueue from 'p-queue'
import { type BatchHead, batchesType, writeBatchHead } from '../protocol/batch-frame.ts'
import { Digest, Jws } from '../protocol/fields.ts'
import { maxOfferBytes, OfferAnswer } from '../protocol/offer.ts'
import { paths } from '../protocol/paths.ts'
import { asWaybillError, type ErrorCode, isErrorCode, WaybillError } from '../service/errors.ts'
import type { PayloadStore } from '../storage/payload-store.ts'
import type { PeerClient } from './peer-client.ts'

/** One batch to give to a server, with the giver's own receipt last in `path`; a producer's path is empty. */
export interface HandOnBatch {
  /** The manifest's digest. */
  digest: string
  manifest: string
  path: string[]
  credentials: string[]
  at: BatchHead['at']
  head: BatchHead['head']
  /** The payload's digest. */
  payload: string
}

/** A server's receipt for the batch with this manifest. */
export interface SignedFor {
  digest: string
  custody: string
}

/** What becomes of the batches. */
export interface HandOnOutcome {
  /** The server signed for these. */
  signed(receipts: SignedFor[]): Promise<void>
  /** The server refused it, or its payload is not here any more: this batch is set aside, the others go on. */
  refused(digest: string, error: WaybillError): Promise<void>
}

const Signed = Type.Object({ digest: Digest, custody: Jws })
const Taken = Type.Object({
  taken: Type.Array(Signed),
  refused: Type.Array(Type.Object({ digest: Digest, code: Type.String(), message: Type.String() })),
})
const run = 100
/** So many batches go in one request, and are signed for together. */
const group = 16

/**
 * Offers batches to a server in runs and sends those that it wants, several in one request. What it holds already it signs for
 * again.
 * @param concurrency requests on the way at once
 * @throws PEER_UNREACHABLE when the server is lost on the way; what it signed for until then is kept
 */
export async function handOn(
  client: PeerClient,
  payloads: PayloadStore,
  batches: HandOnBatch[],
  outcome: HandOnOutcome,
  concurrency: number,
): Promise<void> {
  for (let first = 0; first < batches.length; first += run)
    await handOnRun(client, payloads, batches.slice(first, first + run), outcome, concurrency)
}

async function handOnRun(
  client: PeerClient,
  payloads: PayloadStore,
  batches: HandOnBatch[],
  outcome: HandOnOutcome,
  concurrency: number,
): Promise<void> {
  const manifests = batches.map(({ digest, path }) => ({ digest, receipt: path.at(-1) ?? null }))
  const offered = await client.json('POST', paths.offers, { manifests }, OfferAnswer, maxOfferBytes)
  if (offered.held.length > 0) await outcome.signed(offered.held)
  const asked = new Set(offered.wanted)
  const wanted = batches.filter(({ digest }) => asked.has(digest))
  const queue = new PQueue({ concurrency })
  const sending: Promise<void>[] = []
  for (let first = 0; first < wanted.length; first += group)
    sending.push(queue.add(() => send(client, payloads, wanted.slice(first, first + group), outcome)))
  const results = await Promise.allSettled(sending)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function send(
  client: PeerClient,
  payloads: PayloadStore,
  batches: HandOnBatch[],
  outcome: HandOnOutcome,
): Promise<void> {
  const lost = new Map<string, WaybillError>()
  let answer: Static<typeof Taken>
  try {
    answer = await client.send(paths.batches, batchesType, frames(payloads, batches, lost), Taken, maxOfferBytes)
  } catch (error) {
    const refusal = asWaybillError(error)
    if (refusal.code === 'PEER_UNREACHABLE') throw refusal
    for (const { digest } of batches) await outcome.refused(digest, lost.get(digest) ?? refusal)
    return
  }
  if (answer.taken.length > 0) await outcome.signed(answer.taken)
  for (const { digest, code, message } of answer.refused) await outcome.refused(digest, told(code, message))
  for (const [digest, error] of lost) await outcome.refused(digest, error)
}

/** A payload that this disk lost is this batch's trouble, as a refusal is: the others go on (invariant 8). */
async function* frames(
  payloads: PayloadStore,
  batches: HandOnBatch[],
  lost: Map<string, WaybillError>,
): AsyncGenerator<Uint8Array> {
  for (const { digest, manifest, path, credentials, at, head, payload } of batches) {
    let bytes: Buffer
    try {
      bytes = await payloads.read(payload)
    } catch (error) {
      lost.set(digest, asWaybillError(error))
      continue
    }
    yield writeBatchHead({ v: 1, manifest, path, credentials, at, head, size: bytes.length })
    yield bytes
  }
}

function told(code: string, message: string): WaybillError {
  return new WaybillError(isErrorCode(code) ? (code as ErrorCode) : 'UNEXPECTED', `the other side says: ${message}`)
}
