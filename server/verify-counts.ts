import { WaybillError } from '../shared/service/errors.ts'
import { type Counted, readCount } from './counts.ts'
import type { ServerStore } from './open-store.ts'

const settled = "changes WHERE position <= (SELECT CAST(value AS INTEGER) FROM facts WHERE key = 'appliedThrough')"
const aside = 'aside_changes WHERE state ='

/** The rows that each count is of. */
const counted: Record<Counted, string> = {
  opened: 'changes',
  settled,
  applied: `${settled} AND NOT EXISTS (SELECT 1 FROM aside_changes WHERE change = position)`,
  waiting: `${aside} 'waiting'`,
  held: `${aside} 'held'`,
  quarantined: `${aside} 'quarantined'`,
  discarded: `${aside} 'discarded'`,
  conflicts: 'records WHERE conflict = 1',
  duplicates: 'duplicates',
}

/**
 * Verifies that what is counted as it changes is what the rows say, all at one moment: the program may run.
 * @throws PROVENANCE_BROKEN naming the count
 */
export function verifyCounts(store: ServerStore): void {
  store.$client.transaction(() => {
    for (const [name, rows] of Object.entries(counted) as Array<[Counted, string]>) {
      const { found } = store.$client.prepare<[], { found: number }>(`SELECT count(*) found FROM ${rows}`).get() ?? {
        found: 0,
      }
      const told = readCount(store, name)
      if (told !== found)
        throw new WaybillError('PROVENANCE_BROKEN', `the count of ${name} says ${told}, and the rows say ${found}`)
    }
  })()
}
