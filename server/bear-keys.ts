import { type About, pkDigest } from './about-change.ts'
import type { Round, StoredChange, StoredRecord } from './round.ts'

/** A record bears the natural key of its change from now on, and is known by its pk: who waits for either is judged again. */
export function bear(round: Round, change: StoredChange, { key }: About, record: StoredRecord): void {
  if (key !== undefined) {
    const digest = Buffer.from(key, 'base64url')
    if (round.run('INSERT OR IGNORE INTO natural_keys (key, record) VALUES (?, ?)', digest, change.record) > 0)
      free(round, digest)
  }
  if (record.known === 1) return
  round.run('UPDATE records SET known = 1 WHERE ordinal = ?', record.ordinal)
  if (round.some('waits')) free(round, pkDigest(record.model, record.pk))
}

function free(round: Round, parent: Buffer): void {
  if (round.some('waits') && round.get('SELECT 1 FROM waits WHERE parent = ? LIMIT 1', parent))
    round.run('INSERT OR IGNORE INTO freed VALUES (?)', parent)
}

/**
 * Takes changes that wait for parents that have come, at most so many: one that waits for nothing more is settled by `settle`. What
 * that frees in turn comes in the same way, so that neither depth nor width needs memory.
 * @returns how many were looked at
 */
export function takeFreed(round: Round, most: number, settle: (change: StoredChange) => void): number {
  let taken = 0
  while (taken < most) {
    const parent = round.get<{ parent: Buffer }>('SELECT parent FROM freed LIMIT 1')?.parent
    if (!parent) break
    const left = most - taken
    const waiting = round.all<{ change: number }>('SELECT change FROM waits WHERE parent = ? LIMIT ?', parent, left)
    if (waiting.length < left) round.run('DELETE FROM freed WHERE parent = ?', parent)
    for (const { change } of waiting) takeOne(round, parent, change, settle)
    taken += waiting.length
  }
  return taken
}

/** One that is read in several ways is judged again whenever a parent has come. */
function takeOne(round: Round, parent: Buffer, position: number, settle: (change: StoredChange) => void): void {
  round.run('DELETE FROM waits WHERE parent = ? AND change = ?', parent, position)
  const waitsOn = round.get('SELECT 1 FROM waits WHERE change = ? LIMIT 1', position) !== undefined
  const change = round.change(position)
  if (change && (!waitsOn || change.about?.includes('"also"'))) settle(change)
}
