import type { Change } from '../shared/protocol/change.ts'
import type { FeedContext } from './feed.ts'
import { type TextPlace, textOf } from './opened-batches.ts'

const mostOfEach = 50

/** The newest changes that were opened of each of these models, at most fifty of each, applied or not. @throws as readFeed */
export async function* newestChanges(context: FeedContext, models: string[]): AsyncGenerator<Change> {
  // From the newest backwards: what the app does today.
  const newest = context.store.$client.prepare<[string], TextPlace>(
    `SELECT c.position, c.digest, c.batch, c.number FROM changes c CROSS JOIN records r ON r.ordinal = c.record
     WHERE r.model = ? ORDER BY c.position DESC LIMIT ${mostOfEach}`,
  )
  for (const model of models) for (const place of newest.all(model)) yield (await textOf(context, place)).change
}
