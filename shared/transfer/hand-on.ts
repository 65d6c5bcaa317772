import { Type } from '@sinclair/typebox'
import PQueue from 'p-queue'
import { type BatchHead, writeFrame } from '../protocol/batch-frame.ts'
import { Digest, Jws } from '../protocol/fields.ts'
import { paths } from '../protocol/paths.ts'
import { asWaybillError, type WaybillError } from '../service/errors.ts'
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

/** What becomes of each batch. */
export interface HandOnOutcome {
  /** The server signed for it. */
  signed(digest: string, custody: string): Promise<void>
  /** The server refused it, or its payload is not here any more: this batch is set aside, the others go on. */
  refused(digest: string, error: WaybillError): Promise<void>
}

const Offered = Type.Object({
  wanted: Type.Array(Digest),
  held: Type.Array(Type.Object({ digest: Digest, custody: Jws })),
})
const Ingested = Type.Object({ custody: Jws })
const run = 100
const maxOfferBytes = 4 * 1024 * 1024

/**
 * Offers batches to a server in runs and sends those that it wants, a few at once. What it holds already it signs for again.
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
  const offered = await client.json('POST', paths.offers, { manifests }, Offered, maxOfferBytes)
  for (const { digest, custody } of offered.held) await outcome.signed(digest, custody)
  const wanted = new Set(offered.wanted)
  const queue = new PQueue({ concurrency })
  const sending = batches
    .filter(({ digest }) => wanted.has(digest))
    .map((batch) => queue.add(() => send(client, payloads, batch, outcome)))
  const results = await Promise.allSettled(sending)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function send(
  client: PeerClient,
  payloads: PayloadStore,
  batch: HandOnBatch,
  outcome: HandOnOutcome,
): Promise<void> {
  const { digest, manifest, path, credentials, at, head, payload } = batch
  let custody: string
  try {
    // A payload that this disk lost is this batch's trouble, as a refusal is: the others go on (invariant 8).
    const frame = writeFrame({ v: 1, manifest, path, credentials, at, head }, await payloads.read(payload))
    custody = (await client.frame(paths.batches, frame, Ingested)).custody
  } catch (error) {
    const refusal = asWaybillError(error)
    if (refusal.code === 'PEER_UNREACHABLE') throw refusal
    return outcome.refused(digest, refusal)
  }
  await outcome.signed(digest, custody)
}
