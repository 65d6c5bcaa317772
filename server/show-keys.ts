import type { About } from './about-change.ts'
import type { Round } from './round.ts'

/** A key that a change bears for its record. */
interface Borne {
  key: Buffer
  record: number
}

/** A record shows another change: the natural key that it bears now may be another one, and more than one record may bear it. */
export function showKeys(round: Round, model: string, before: number | null, now: number | null): void {
  const [old, next] = [borneBy(round, before), borneBy(round, now)]
  if (old && next && old.record === next.record && old.key.equals(next.key)) return
  for (const [borne, shows] of [
    [old, 0],
    [next, 1],
  ] as const) {
    if (!borne) continue
    round.run('UPDATE natural_keys SET shows = ? WHERE key = ? AND record = ?', shows, borne.key, borne.record)
    noteDuplicate(round, model, borne.key)
  }
}

/** What is deleted bears nothing. */
function borneBy(round: Round, position: number | null): Borne | undefined {
  const change = position === null ? undefined : round.change(position)
  if (!change || change.action === 'delete' || change.about === null) return undefined
  const { key } = JSON.parse(change.about) as About
  return key === undefined ? undefined : { key: Buffer.from(key, 'base64url'), record: change.record }
}

function noteDuplicate(round: Round, model: string, key: Buffer): void {
  const bearers = round.all('SELECT record FROM natural_keys WHERE key = ? AND shows = 1 LIMIT 2', key)
  if (bearers.length > 1) round.noteDuplicate(key, model)
  else if (round.some('duplicates')) round.count('duplicates', -round.run('DELETE FROM duplicates WHERE key = ?', key))
}
