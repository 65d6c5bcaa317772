import { prepared } from '../shared/storage/prepared.ts'
import type { ServerStore } from './open-store.ts'

/**
 * Which of these batches a delivery receipt means: opened, and before the fork of their chain or, from there on, on the line of
 * batches that leads to the one that the receipt names.
 */
export function areDelivered({ $client }: ServerStore, digests: string[]): Set<string> {
  const rows = prepared<[string], { digest: string }>(
    $client,
    `WITH RECURSIVE asked AS (
       SELECT manifest_digest AS digest, seq, through_digest, fork_at IS NOT NULL AND seq >= fork_at AS forked
       FROM json_each(?) JOIN batches ON manifest_digest = value JOIN chains USING (producer, chain) WHERE state = 'opened'),
     line AS (
       SELECT batches.manifest_digest AS digest, batches.previous, batches.seq, min(asked.seq) AS lowest
       FROM asked JOIN batches ON batches.manifest_digest = asked.through_digest WHERE forked GROUP BY batches.manifest_digest
       UNION ALL
       SELECT before.manifest_digest, before.previous, before.seq, lowest
       FROM line JOIN batches AS before ON before.manifest_digest = line.previous WHERE line.seq > lowest)
     SELECT digest FROM asked WHERE NOT forked OR digest IN (SELECT digest FROM line)`,
  ).all(JSON.stringify(digests))
  return new Set(rows.map(({ digest }) => digest))
}
