import { type Identity, signerOf } from '../shared/crypto/identity.ts'
import { type Head, makeBatch } from '../shared/crypto/make-batch.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { type SignedDocument, signDocument } from '../shared/crypto/sign-document.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { maxPlainBytes } from '../shared/protocol/payload.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { giveBack } from '../shared/service/give-back.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { type CurrentChain, currentChain } from './chain.ts'
import { oldestRuns, type Run, textOf } from './oldest-runs.ts'
import type { DaemonStore } from './open-store.ts'
import { documentsToSeal, type SealedDocument } from './seal-documents.ts'

/** What sealing needs to know. */
export interface SealContext {
  store: DaemonStore
  payloads: PayloadStore
  identity: Identity
  study: StudyDocument
  clock: Clock
}

/** Where the next batches go: behind this one in the chain, and their changes behind this position of the outbox. */
export interface Tip {
  chain: CurrentChain
  position: number
  /** Documents that wait ride with them; what rides with batches that are not committed yet still waits. */
  isCommitted: boolean
}

/** Batches whose payloads are on the disk: signed, and neither numbered nor seen yet. */
export interface Prepared {
  from: Tip
  runs: Run[]
  batches: Array<{ manifest: Manifest; signed: SignedDocument }>
}

/** More than the first line of a payload takes. */
const headBytes = 1024
/** Documents without changes. */
const noChanges: Run = { first: 0, last: -1, changes: 0, bytes: 0, isFull: false }

/** What one batch takes. */
interface Taken {
  run: Run
  documents: SealedDocument[]
}

/** Where the first of them go. */
export function firstTip(store: DaemonStore): Tip {
  return { chain: currentChain(store), position: 0, isCommitted: true }
}

/** Where those after these go. */
export function tipAfter({ from, runs, batches }: Prepared): Tip {
  const { chain } = from.chain
  const last = batches.at(-1)
  const position = runs.at(-1)?.last ?? from.position
  const head = { chain, seq: last?.manifest.seq ?? 0, digest: last?.signed.digest ?? null, continues: null }
  return { chain: head, position, isCommitted: false }
}

/**
 * Compresses, seals, stores and signs what waits behind the tip. All of it is in the outbox still.
 * @param onlyFull what does not fill a batch can wait
 * @param most so many batches
 * @returns undefined when nothing waits
 * @throws DISK_FULL; BAD_DOCUMENT when others could not read what would be signed. Nothing of it stays behind
 */
export async function prepareBatches(
  context: SealContext,
  from: Tip,
  onlyFull: boolean,
  most: number,
): Promise<Prepared | undefined> {
  const taken = takeOldest(context, from, onlyFull, most)
  if (taken.length === 0) return undefined
  const begun: string[] = []
  try {
    const heads = await allOf(taken.map((one, index) => store(context, from.chain, index + 1, one, begun)))
    await context.payloads.sync()
    return { from, runs: taken.map(({ run }) => run), batches: await signAll(context, from.chain, heads) }
  } catch (error) {
    await remove(context, begun)
    throw error
  }
}

/** They came to nothing: no payload stays behind. */
export async function discard(context: SealContext, prepared: Prepared | undefined): Promise<void> {
  await remove(context, prepared?.batches.map(({ manifest }) => manifest.payload.digest) ?? [])
}

function takeOldest({ store, study }: SealContext, from: Tip, onlyFull: boolean, most: number): Taken[] {
  const runs = oldestRuns(store, study.limits, from.position, most).filter(({ isFull }) => isFull || !onlyFull)
  if (runs.length === 0 && onlyFull) return []
  const [first = noChanges, ...others] = runs
  const documents = from.isCommitted ? documentsToSeal(store, maxPlainBytes - headBytes - first.bytes) : []
  if (first.changes + documents.length === 0) return []
  return [{ run: first, documents }, ...others.map((run) => ({ run, documents: [] }))]
}

/** @param begun learns of what may be on the disk from then on */
async function store(
  context: SealContext,
  { chain, seq }: CurrentChain,
  further: number,
  { run, documents }: Taken,
  begun: string[],
): Promise<Head> {
  const content = { text: textOf(context.store, run), changes: run.changes, documents }
  const { head, sealed } = await makeBatch(context, { chain, seq: seq + further }, content, context.clock.now())
  begun.push(head.payload.digest)
  await context.payloads.put(sealed)
  giveBack(sealed)
  return head
}

/** None is left at work when this returns or throws. */
async function allOf<Result>(working: Array<Promise<Result>>): Promise<Result[]> {
  await Promise.allSettled(working)
  return Promise.all(working)
}

/** Each names the one before it. */
async function signAll(context: SealContext, chain: CurrentChain, heads: Head[]): Promise<Prepared['batches']> {
  const batches: Prepared['batches'] = []
  for (const head of heads) {
    const previous = batches.at(-1)?.signed.digest ?? chain.digest
    const manifest = { ...head, previous, continues: head.seq === 1 ? chain.continues : null }
    const signed = await signDocument('manifest', manifest, signerOf(context.identity))
    readDocument(signed.jws, 'manifest')
    batches.push({ manifest, signed })
  }
  return batches
}

async function remove({ payloads }: SealContext, digests: string[]): Promise<void> {
  for (const digest of digests) await payloads.remove(digest)
}
