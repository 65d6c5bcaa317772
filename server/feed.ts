import type { Change } from '../shared/protocol/change.ts'
import { lifeOf, positionOf } from './feed-cursor.ts'
import type { ServerStore } from './open-store.ts'
import { type TextPlace, textOf } from './opened-batches.ts'
import type { ReadContext } from './read-batch.ts'

/** One opened change, with whence it came and where reading can go on. */
export interface FeedEntry {
  change: Change
  producer: string
  batch: string
  cursor: string
}

/** What reading the feed needs to know. */
export interface FeedContext extends ReadContext {
  store: ServerStore
}

const page = 500

/**
 * What was opened, in the order in which it was opened, each change once, after `cursor`. The changes are read from their sealed
 * batches, each of which is opened again once; memory holds a page and one batch and does not grow with history (invariant 10).
 * @throws CURSOR_FOREIGN for a cursor of another life of this server, naming where to start again; NOT_FOUND, DIGEST_MISMATCH,
 * PAYLOAD_REFUSED for a batch that this disk has lost or damaged since
 */
export async function* readFeed(context: FeedContext, cursor = ''): AsyncGenerator<FeedEntry> {
  const { store } = context
  const life = lifeOf(store)
  const next = store.$client.prepare<[number, number], TextPlace>(
    'SELECT position, digest, batch, number FROM changes WHERE position > ? ORDER BY position LIMIT ?',
  )
  let after = positionOf(store, cursor, 'changes')
  for (let rows = next.all(after, page); rows.length > 0; rows = next.all(after, page)) {
    for (const row of rows) {
      const { change, batch } = await textOf(context, row)
      yield { change, producer: batch.producer, batch: batch.digest, cursor: `${life}.${row.position}` }
    }
    after = rows.at(-1)?.position ?? after
  }
}
