import { WaybillError } from '../shared/service/errors.ts'
import type { About } from './about-change.ts'
import { appliedThrough } from './apply.ts'
import { headsOf } from './heads.ts'
import type { ServerStore } from './open-store.ts'
import { Round, type StoredChange, type StoredRecord } from './round.ts'
import { headsNow, membersOf } from './show-record.ts'
import { verifyCounts } from './verify-counts.ts'

/**
 * Verifies that every record shows what the rule makes of its applied changes, that it bears their natural keys, that whatever waits
 * says for what, and that each count is that of its rows. One record at a time: memory does not grow with them (invariant 10), and the
 * program may run.
 * @throws PROVENANCE_BROKEN naming the record, the change or the count
 */
export function verifyRecords(store: ServerStore): void {
  const next = store.$client.prepare<[number], { ordinal: number }>(
    'SELECT ordinal FROM records WHERE ordinal > ? ORDER BY ordinal LIMIT 1',
  )
  checkAside(store)
  for (let row = next.get(0); row; row = next.get(row.ordinal)) {
    const { ordinal } = row
    // What belongs together is read together.
    store.$client.transaction(() => checkRecord(new Round(store, appliedThrough(store)), ordinal))()
  }
  // Last: whatever else is wrong says more of what happened.
  verifyCounts(store)
}

function checkRecord(round: Round, ordinal: number): void {
  const record = round.record(ordinal)
  if (round.recordAt(record.model, record.pk)?.ordinal !== ordinal)
    throw broken(record, 'it is not the one that is found')
  for (const change of round.appliedOf(ordinal)) checkKeys(round, record, change)
  if (record.canonical !== null) {
    if (record.shown !== null) throw broken(record, 'it is merged, and shows a change of its own')
    return
  }
  if (isToBeLookedAt(round, ordinal)) return
  const { heads } = headsOf(membersOf(round, ordinal), round.places.lineage)
  const [first] = heads
  const state = first === undefined ? 'none' : first.action === 'delete' ? 'deleted' : 'present'
  if ((first?.change ?? null) !== record.shown || state !== record.state)
    throw broken(record, 'it does not show what its changes say')
  const names = (of: Array<{ change: number }>) =>
    of
      .map(({ change }) => change)
      .sort((a, b) => a - b)
      .join()
  if (Number(heads.length > 1) !== record.conflict || (first && names(heads) !== names(headsNow(round, record))))
    throw broken(record, 'its heads are not those of its changes')
}

/** Applying will still work it out again. */
function isToBeLookedAt(round: Round, ordinal: number): boolean {
  const inClass = '(SELECT ordinal FROM records WHERE ordinal = ? OR canonical = ?)'
  const pending = round.get(
    `SELECT 1 FROM rechecks WHERE record IN ${inClass} UNION ALL SELECT 1 FROM unrooted u WHERE record IN ${inClass}
     AND EXISTS (SELECT 1 FROM batches b WHERE b.producer = u.producer AND b.chain = u.chain AND b.seq = 1)
     UNION ALL SELECT 1 FROM changes c JOIN batches b ON b.ordinal = c.batch
     JOIN relinks l ON l.producer = b.producer AND l.chain = b.chain WHERE c.record IN ${inClass} LIMIT 1`,
    ...[ordinal, ordinal, ordinal, ordinal, ordinal, ordinal],
  )
  return pending !== undefined
}

function checkKeys(round: Round, record: StoredRecord, { about }: StoredChange): void {
  const { key } = JSON.parse(about ?? '{}') as About
  const digest = key === undefined ? undefined : Buffer.from(key, 'base64url')
  const isBorne =
    !digest || round.get('SELECT 1 FROM natural_keys WHERE key = ? AND record = ?', digest, record.ordinal)
  if (!isBorne || record.known === 0) throw broken(record, 'it does not bear the keys of its changes')
}

/** What is set aside was come to, and what waits, waits for something. */
function checkAside(store: ServerStore): void {
  const wrong = store.$client
    .prepare<[], { change: number }>(
      `SELECT change FROM aside_changes a WHERE change > (SELECT CAST(value AS INTEGER) FROM facts WHERE key = 'appliedThrough')
       OR (state = 'waiting' AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.change = a.change)) LIMIT 1`,
    )
    .get()
  if (wrong) throw new WaybillError('PROVENANCE_BROKEN', `the change at place ${wrong.change} is set aside for nothing`)
}

function broken({ model, pk }: StoredRecord, why: string): WaybillError {
  return new WaybillError('PROVENANCE_BROKEN', `record ${pk} of ${model}: ${why}`)
}
