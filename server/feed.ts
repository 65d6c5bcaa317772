import { WaybillError } from '../shared/service/errors.ts'
import { incarnation } from './incarnation.ts'
import type { ServerStore } from './open-store.ts'

/** One opened change, with whence it came and where reading can go on. */
export interface FeedEntry {
  change: unknown
  producer: string
  batch: string
  cursor: string
}

interface Row {
  position: number
  line: string
  producer: string
  batch: string
}

const page = 500

/**
 * What was opened, in the order in which it was opened, each change once, after `cursor`. Read in pages: memory does not grow with
 * history (invariant 10).
 * @throws BAD_REQUEST for a cursor of another life of this server, naming where to start again
 */
export function* readFeed(store: ServerStore, cursor = ''): Generator<FeedEntry> {
  const { number, nonce } = incarnation(store)
  const life = `${number}-${nonce.slice(0, 8)}`
  const next = store.$client.prepare<[number, number], Row>(
    'SELECT position, line, producer, manifest_digest batch FROM changes WHERE position > ? ORDER BY position LIMIT ?',
  )
  let after = positionOf(cursor, life)
  const { newest } = store.$client
    .prepare<[], { newest: number | null }>('SELECT max(position) newest FROM changes')
    .get() ?? { newest: null }
  if (after > (newest ?? 0)) throw earlierLife()
  for (let rows = next.all(after, page); rows.length > 0; rows = next.all(after, page)) {
    for (const { position, line, producer, batch } of rows)
      yield { change: JSON.parse(line), producer, batch, cursor: `${life}.${position}` }
    after = rows.at(-1)?.position ?? after
  }
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
