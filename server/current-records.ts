import type { FeedContext } from './feed.ts'
import { lifeOf } from './feed-cursor.ts'
import { type TextPlace, textOf } from './opened-batches.ts'
import { ownModels } from './read-decision.ts'
import type { StateEntry } from './read-states.ts'

interface Row extends TextPlace {
  model: string
  pk: string
  state: 'present' | 'deleted'
  conflict: number
}

const page = 500

/**
 * Every record as it is now, each once, of one model or of all, in the order in which what they show was opened: each sealed batch is
 * opened once. `cursor` is the same in all: with it `readStates` tells what has changed since this began.
 * @throws as readFeed
 */
export async function* currentRecords(context: FeedContext, model?: string): AsyncGenerator<StateEntry> {
  const { store } = context
  const { newest } = store.$client
    .prepare<[], { newest: number | null }>('SELECT max(position) newest FROM states')
    .get() ?? { newest: null }
  const cursor = `${lifeOf(store)}.${newest ?? 0}`
  const next = store.$client.prepare<[number, string | null, string | null], Row>(
    `SELECT c.position, c.digest, c.batch, c.number, m.model, m.pk, m.state, m.conflict FROM changes c
     JOIN records r ON r.ordinal = c.record JOIN records m ON m.ordinal = coalesce(r.canonical, r.ordinal)
     WHERE c.position > ? AND m.shown = c.position AND (? IS NULL OR m.model = ?) ORDER BY c.position LIMIT ${page}`,
  )
  const read = (after: number) => next.all(after, model ?? null, model ?? null)
  for (let rows = read(0); rows.length > 0; rows = read(rows.at(-1)?.position ?? 0))
    for (const row of rows) if (!row.model.startsWith(ownModels)) yield { cursor, ...(await stateOf(context, row)) }
}

async function stateOf(context: FeedContext, row: Row): Promise<Omit<StateEntry, 'cursor'>> {
  const { change, batch } = await textOf(context, row)
  const { naturalKey, fields, id, user, recordedAt } = change
  return {
    ...{ model: row.model, pk: row.pk, state: row.state, into: null, naturalKey, fields },
    ...{ change: id, digest: row.digest.toString('hex'), producer: batch.producer, batch: batch.digest },
    ...{ user, recordedAt, conflict: row.conflict === 1 },
  }
}
