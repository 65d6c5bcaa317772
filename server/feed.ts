import { sha256 } from '../shared/crypto/digest.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import { incarnation } from './incarnation.ts'
import type { ServerStore } from './open-store.ts'
import { type ReadContext, readPlain } from './read-batch.ts'

/** One opened change, with whence it came and where reading can go on. */
export interface FeedEntry {
  change: unknown
  producer: string
  batch: string
  cursor: string
}

/** What reading the feed needs to know. */
export interface FeedContext extends ReadContext {
  store: ServerStore
}

interface Row {
  position: number
  digest: Buffer
  batch: number
  number: number
}

/** A batch that was opened again. */
interface Open {
  ordinal: number
  digest: string
  producer: string
  lines: string[]
}

const page = 500

/**
 * What was opened, in the order in which it was opened, each change once, after `cursor`. The changes are read from their sealed
 * batches, each of which is opened again once; memory holds a page and one batch and does not grow with history (invariant 10).
 * @throws BAD_REQUEST for a cursor of another life of this server, naming where to start again; NOT_FOUND, DIGEST_MISMATCH,
 * PAYLOAD_REFUSED for a batch that this disk has lost or damaged since
 */
export async function* readFeed(context: FeedContext, cursor = ''): AsyncGenerator<FeedEntry> {
  const { store } = context
  const { number, nonce } = incarnation(store)
  const life = `${number}-${nonce.slice(0, 8)}`
  const next = store.$client.prepare<[number, number], Row>(
    'SELECT position, digest, batch, number FROM changes WHERE position > ? ORDER BY position LIMIT ?',
  )
  let after = positionOf(cursor, life)
  const { newest } = store.$client
    .prepare<[], { newest: number | null }>('SELECT max(position) newest FROM changes')
    .get() ?? { newest: null }
  if (after > (newest ?? 0)) throw earlierLife()
  let open: Open | undefined
  for (let rows = next.all(after, page); rows.length > 0; rows = next.all(after, page)) {
    for (const row of rows) {
      if (open?.ordinal !== row.batch) open = await openAgain(context, row.batch)
      yield entryOf(open, row, life)
    }
    after = rows.at(-1)?.position ?? after
  }
}

async function openAgain(context: FeedContext, ordinal: number): Promise<Open> {
  const batch = context.store.$client
    .prepare<[number], { digest: string; producer: string; jws: string }>(
      'SELECT manifest_digest digest, producer, manifest jws FROM batches WHERE ordinal = ?',
    )
    .get(ordinal)
  if (!batch) throw new WaybillError('STORAGE_FAILED', `batch ${ordinal} is gone, and its changes are in the feed`)
  const { jws, digest, producer } = batch
  const { lines } = await naming(`batch ${digest}`, () => readPlain(context, readDocument(jws, 'manifest').document))
  return { ordinal, digest, producer, lines }
}

function entryOf({ lines, producer, digest: batch }: Open, { position, number, digest }: Row, life: string): FeedEntry {
  const line = lines[number - 1]
  if (line === undefined || sha256(line) !== digest.toString('hex'))
    throw new WaybillError('STORAGE_FAILED', `the change at place ${position} is not line ${number} of batch ${batch}`)
  return { change: JSON.parse(line), producer, batch, cursor: `${life}.${position}` }
}

function positionOf(cursor: string, life: string): number {
  if (cursor === '') return 0
  const parts = /^(\d+-[0-9a-f]{8})\.(\d{1,15})$/.exec(cursor)
  if (!parts) throw new WaybillError('BAD_REQUEST', 'cursor: not one that this server gave')
  if (parts[1] !== life) throw earlierLife()
  return Number(parts[2])
}

function earlierLife(): WaybillError {
  return new WaybillError(
    'BAD_REQUEST',
    'cursor: of an earlier life of this server, which was restored; start again without a cursor',
  )
}
