import { deviceOf } from '../shared/crypto/identity.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Change } from '../shared/protocol/change.ts'
import { naming } from '../shared/service/errors.ts'
import { appliedThrough } from './apply.ts'
import type { FeedContext } from './feed.ts'
import { readPlain } from './read-plain.ts'

/**
 * What people have decided at this server and what is not applied yet, in the order in which it was decided: it counts, and nothing shows
 * it so far. Who decides upon what is shown asks for this first: what is applied in between is shown by then. @throws as readFeed
 */
export async function pendingDecisions(context: FeedContext): Promise<Change[]> {
  const { store, identity } = context
  const batches = store.$client
    .prepare<[string, number], { jws: string; digest: string }>(
      `SELECT manifest jws, manifest_digest digest FROM batches WHERE producer = ? AND (state = 'ingested'
       OR (state = 'opened' AND ordinal IN (SELECT batch FROM changes WHERE position > ?))) ORDER BY ordinal`,
    )
    .all(deviceOf(identity), appliedThrough(store))
  const pending: Change[] = []
  for (const { jws, digest } of batches) {
    const { document } = readDocument(jws, 'manifest')
    const { lines } = await naming(`batch ${digest}`, () => readPlain(context, document))
    // This server checked each line before it signed for it.
    pending.push(...[...lines].slice(0, document.changes).map((line) => JSON.parse(line.toString()) as Change))
  }
  return pending
}
