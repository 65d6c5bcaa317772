import { readFact, writeFact } from './facts.ts'
import { lifeOf } from './feed-cursor.ts'
import type { ServerStore } from './open-store.ts'

/** What is known of the app's database. */
export interface SinkFact {
  /** Where it is, without any password. */
  place: string
  /** Which feed is written there. */
  feed: 'states' | 'changes'
  /** How far; null before the first answer since the program started. */
  cursor: string | null
  /** When the last row was written. */
  writtenAt: string | null
  /** Since when nothing can be written. */
  awaySince: string | null
  problem: { code: string; message: string; hint: string } | null
}

/** The same, with how many entries of the feed are not there yet. */
export interface SinkStatus extends SinkFact {
  behind: number
}

const fact = 'sink'

/** Remembers it for the page and for `status`; null where this server writes into no database. */
export function noteSink(store: ServerStore, news: SinkFact | null): void {
  writeFact(store, fact, JSON.stringify(news))
}

export function readSink(store: ServerStore): SinkStatus | null {
  const told: SinkFact | null = JSON.parse(readFact(store, fact) ?? 'null')
  if (!told) return null
  const [life, position] = (told.cursor ?? '').split('.')
  const after = life === lifeOf(store) ? Number(position) : 0
  const { behind } = store.$client
    .prepare<[number], { behind: number }>(`SELECT count(*) behind FROM ${told.feed} WHERE position > ?`)
    .get(after) ?? { behind: 0 }
  return { ...told, behind }
}

/** The last position of a feed; 0 where it is empty. */
export function newestOfFeed(store: ServerStore, feed: SinkFact['feed']): number {
  return (
    store.$client.prepare<[], { newest: number | null }>(`SELECT max(position) newest FROM ${feed}`).get()?.newest ?? 0
  )
}
