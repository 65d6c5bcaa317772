import { type Static, Type } from '@sinclair/typebox'
import { documentDigest } from '../shared/crypto/sign-document.ts'
import type { Verified } from '../shared/crypto/trust.ts'
import { Count, Jws } from '../shared/protocol/fields.ts'
import { paths } from '../shared/protocol/paths.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { checkManifest } from './check-manifest.ts'
import { fetchPayloads } from './fetch-payloads.ts'
import type { Hold } from './open-store.ts'
import { returnReceipts } from './return-receipts.ts'
import {
  type BatchRow,
  type Giver,
  noteManifests,
  quarantine,
  receiptOf,
  settledBatch,
  takeCustody,
} from './take-custody.ts'

const pageSize = 100
/** So many payloads come in one answer, and are signed for together. */
const runSize = 25
const maxPageBytes = 16 * 1024 * 1024
const Entry = Type.Object({ position: Count, manifest: Jws, carried: Type.Boolean() })
type Entry = Static<typeof Entry>

/** How far a pull is: `of` grows as the laptop tells of more. */
export interface Progress {
  batches: number
  bytes: number
  ofBatches: number
  ofBytes: number
}

/** One laptop's pull. */
export interface Pull {
  client: PeerClient
  giver: Giver
  /** Everything that the laptop lists up to this position was dealt with at an earlier meeting. */
  after: number
  progress(now: Progress): void
}

/** What a pull came to. */
export interface Pulled {
  /** Where the next pull may begin. */
  after: number
  /** Manifests that could not be believed; the rest flowed. What is quarantined is in the database. */
  problems: WaybillError[]
  /** How many batches this relay has newly signed for. */
  signed: number
}

/**
 * Pulls what the laptop holds: first what no courier carries, then the rest. A batch is signed for when it is whole on this
 * disk, and only then is the receipt returned. One bad batch holds up none.
 * @throws PEER_UNREACHABLE, DISK_FULL, STORAGE_FAILED: what was signed for until then is kept
 */
export async function pull(hold: Hold, work: Pull): Promise<Pulled> {
  const run = new PullRun(hold, work)
  await run.takeAll()
  return run.outcome()
}

/** A batch, and where it stands in the laptop's list. */
interface Listed {
  position: number
  carried: boolean
  batch: BatchRow
}

class PullRun {
  readonly #hold: Hold
  readonly #work: Pull
  readonly #progress: Progress = { batches: 0, bytes: 0, ofBatches: 0, ofBytes: 0 }
  readonly #problems: WaybillError[] = []
  #signed = 0
  #after: number
  #blocked = Number.POSITIVE_INFINITY

  constructor(hold: Hold, work: Pull) {
    this.#hold = hold
    this.#work = work
    this.#after = work.after
  }

  outcome(): Pulled {
    return { after: Math.min(this.#after, this.#blocked), problems: this.#problems, signed: this.#signed }
  }

  async takeAll(): Promise<void> {
    let [after, carriedAfter] = [this.#work.after, this.#work.after]
    for (;;) {
      const path = `${paths.manifests}?after=${after}&carriedAfter=${carriedAfter}&limit=${pageSize}`
      const page = await this.#work.client.lines(path, Entry, maxPageBytes)
      after = reached(page, false, after)
      carriedAfter = reached(page, true, carriedAfter)
      await this.#takePage(page)
      if (page.length < pageSize) return
    }
  }

  async #takePage(page: Entry[]): Promise<void> {
    const entries = await this.#readPage(page)
    const wanted = entries.filter(({ batch }) => batch.state === 'pulling')
    if (wanted.length > 0) {
      this.#progress.ofBatches += wanted.length
      this.#progress.ofBytes += wanted.reduce((sum, { batch }) => sum + batch.payloadSize, 0)
      this.#work.progress({ ...this.#progress })
    }
    // What the laptop calls uncarried and this relay has signed for: its receipt was lost.
    const here = entries.filter(({ carried, batch }) => !carried && batch.state !== 'pulling')
    const signedFor = here.flatMap(({ batch }) => receiptOf(this.#hold.store, batch.digest) ?? [])
    await returnReceipts(this.#hold, this.#work.client, signedFor)
    await this.#fetchAll(wanted)
    for (const entry of entries) this.#advance(entry)
  }

  async #readPage(page: Entry[]): Promise<Listed[]> {
    const listed: Listed[] = []
    const fresh: Entry[] = []
    const manifests: Verified<'manifest'>[] = []
    for (const entry of page) {
      const batch = settledBatch(this.#hold.store, documentDigest(entry.manifest))
      const manifest = batch ? undefined : await this.#verify(entry)
      if (batch) listed.push({ ...entry, batch })
      if (manifest) {
        fresh.push(entry)
        manifests.push(manifest)
      }
    }
    const noted = noteManifests(this.#hold, manifests)
    return [...listed, ...noted.map((batch, index) => ({ ...(fresh[index] as Entry), batch }))]
  }

  async #verify({ position, manifest }: Entry): Promise<Verified<'manifest'> | undefined> {
    try {
      return await checkManifest(this.#hold, manifest, this.#work.giver.device)
    } catch (error) {
      this.#problems.push(asWaybillError(error))
      this.#block(position)
      return undefined
    }
  }

  /** Fetches a run of them in one answer, and signs for what has become whole while the next run is on the way. */
  async #fetchAll(wanted: Listed[]): Promise<void> {
    let failed: unknown
    let signing = Promise.resolve()
    for (let first = 0; first < wanted.length && failed === undefined; first += runSize) {
      const { whole, broken } = await this.#fetch(wanted.slice(first, first + runSize))
      await signing
      failed ??= broken
      signing = this.#sign(whole).catch((error: unknown) => {
        failed ??= error
      })
    }
    await signing
    if (failed !== undefined) throw failed
  }

  /** What was sent wrongly is set aside. */
  async #fetch(run: Listed[]): Promise<{ whole: BatchRow[]; broken: WaybillError | undefined }> {
    const batches = run.map(({ batch }) => batch)
    const { whole, bad, broken } = await fetchPayloads(this.#hold, this.#work.client, batches)
    for (const { batch, position } of run) if (!whole.includes(batch)) this.#block(position)
    for (const [batch, error] of bad) {
      this.#hold.logger.warn({ peer: batch.producer, batch: batch.digest, code: error.code }, error.message)
      quarantine(this.#hold, batch, error)
    }
    return { whole, broken }
  }

  async #sign(batches: BatchRow[]): Promise<void> {
    if (batches.length === 0) return
    const signed = await takeCustody(this.#hold, batches, this.#work.giver)
    await returnReceipts(this.#hold, this.#work.client, signed)
    this.#signed += signed.length
    this.#progress.batches += batches.length
    this.#progress.bytes += batches.reduce((sum, { payloadSize }) => sum + payloadSize, 0)
    this.#work.progress({ ...this.#progress })
  }

  /** What was sealed after the meeting may not all be in both lists: the next pull begins before it. */
  #advance({ position, batch: { chain, seq } }: Listed): void {
    const { head } = this.#work.giver
    if (head && (chain !== head.chain || seq <= head.seq)) this.#after = Math.max(this.#after, position)
  }

  #block(position: number): void {
    this.#blocked = Math.min(this.#blocked, position - 1)
  }
}

/** The last position that the page tells of batches of this kind. @throws BAD_DOCUMENT when it goes back */
function reached(page: Entry[], carried: boolean, before: number): number {
  const last = page.findLast((entry) => entry.carried === carried)
  if (!last) return before
  if (last.position <= before) throw new WaybillError('BAD_DOCUMENT', `${paths.manifests}: the list does not advance`)
  return last.position
}
