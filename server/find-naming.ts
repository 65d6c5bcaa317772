import type { FoundRecord } from './find-records.ts'
import type { ServerStore } from './open-store.ts'

/** Records that name another one, found so far. */
export interface NamingRecords {
  found: FoundRecord[]
  /** How far was looked, of how many changes. */
  through: number
  of: number
}

const atOnce = 50_000
const mostFound = 500

/**
 * Records that a change of names this one as a parent, looked for among so many changes after `after`. There is no index of it, since that
 * would cost each change that is applied: who asks goes on where it ended. No batch is opened for it.
 */
export function findNaming({ $client }: ServerStore, { record, model, pk }: FoundRecord, after: number): NamingRecords {
  const { of } = $client.prepare<[], { of: number }>('SELECT coalesce(max(position), 0) of FROM changes').get() ?? {
    of: 0,
  }
  const keys = $client
    .prepare<[number, number], { key: Buffer }>(
      `SELECT DISTINCT key FROM natural_keys WHERE record IN (SELECT ordinal FROM records WHERE ordinal = ? OR canonical = ?) LIMIT 100`,
    )
    .all(record, record)
  const named = [...keys.map(({ key }) => key.toString('base64url')), `${JSON.stringify(pk)}`]
  const through = Math.min(after + atOnce, of)
  const found = $client
    .prepare<unknown[], FoundRecord>(
      `SELECT DISTINCT c.ordinal record, c.model, c.pk FROM changes h JOIN records r ON r.ordinal = h.record
       JOIN records c ON c.ordinal = coalesce(r.canonical, r.ordinal)
       WHERE h.position > ? AND h.position <= ? AND h.about IS NOT NULL AND (${named.map(() => 'instr(h.about, ?) > 0').join(' OR ')})
         AND c.shown IS NOT NULL AND instr(h.about, ?) > 0 AND c.ordinal != ? LIMIT ${mostFound}`,
    )
    .all(after, through, ...named, JSON.stringify(model), record)
  return { found, through, of }
}
