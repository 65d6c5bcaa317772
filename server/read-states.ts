import type { Change } from '../shared/protocol/change.ts'
import type { FeedContext } from './feed.ts'
import { lifeOf, positionOf } from './feed-cursor.ts'
import { type TextPlace, textOf } from './opened-batches.ts'

/** What a record showed from some moment on. Where it is merged, or a person discarded all of it, there is no change. */
export interface StateEntry {
  cursor: string
  model: string
  pk: string
  state: 'present' | 'deleted' | 'merged'
  /** The pk of the record that it was merged into. */
  into: string | null
  naturalKey: Change['naturalKey']
  fields: Change['fields']
  change: string | null
  digest: string | null
  producer: string | null
  batch: string | null
  user: string | null
  recordedAt: string | null
  conflict: boolean
}

interface Row extends TextPlace {
  state: StateEntry['state']
  conflict: number
  model: string
  pk: string
  into: string | null
  change: number | null
  at: number
}

const page = 500

/**
 * What records show, a state each time that it changed, in the order of applying: parents before children. It is read from the sealed
 * batches, page by page (invariant 10).
 * @throws CURSOR_FOREIGN for a cursor of another life of this server, naming where to start again; as readFeed
 */
export async function* readStates(context: FeedContext, cursor = ''): AsyncGenerator<StateEntry> {
  const { store } = context
  const life = lifeOf(store)
  const next = store.$client.prepare<[number, number], Row>(
    `SELECT s.position at, s.state, s.conflict, s.change, r.model, r.pk, m.pk "into", c.position, c.digest, c.batch, c.number
     FROM states s JOIN records r ON r.ordinal = s.record LEFT JOIN changes c ON c.position = s.change
     LEFT JOIN records m ON m.ordinal = s.canonical WHERE s.position > ? ORDER BY s.position LIMIT ?`,
  )
  let after = positionOf(store, cursor, 'states')
  for (let rows = next.all(after, page); rows.length > 0; rows = next.all(after, page)) {
    for (const row of rows) yield { cursor: `${life}.${row.at}`, ...(await stateOf(context, row)) }
    after = rows.at(-1)?.at ?? after
  }
}

async function stateOf(context: FeedContext, row: Row): Promise<Omit<StateEntry, 'cursor'>> {
  const { model, pk, state, into } = row
  const told = { model, pk, state, into, conflict: row.conflict === 1 }
  if (row.change === null) return { ...told, naturalKey: [], fields: {}, ...nothing }
  const { change, batch } = await textOf(context, row)
  const { naturalKey, fields, id, user, recordedAt } = change
  return {
    ...{ ...told, naturalKey, fields, change: id, digest: row.digest.toString('hex') },
    ...{ producer: batch.producer, batch: batch.digest, user, recordedAt },
  }
}

const nothing = { change: null, digest: null, producer: null, batch: null, user: null, recordedAt: null }
