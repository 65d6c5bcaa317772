import type { About } from './about-change.ts'
import { addChange } from './add-change.ts'
import { bear } from './bear-keys.ts'
import { isDiscarded } from './discards.ts'
import { judge, type Verdict } from './judge-change.ts'
import type { Round, StoredChange } from './round.ts'

/** What became of a change; `opened` is one that applying has not come to. */
export type ChangeState = 'opened' | 'applied' | 'waiting' | 'held' | 'quarantined' | 'discarded'

/**
 * Decides what becomes of a change, and does it: it is applied, or set aside by itself and holds up nothing but what depends on it
 * (invariant 8). A discarded change that could be applied still bears its keys: who named it as a parent does not wait again.
 * @param from what it was until now
 */
export function settle(round: Round, change: StoredChange, from: ChangeState): void {
  const about: About = change.about === null ? {} : JSON.parse(change.about)
  const record = round.record(change.record)
  const verdict = judge(round, about, record.model)
  if (!verdict) bear(round, change, about, record)
  const discarded = isDiscarded(round, change, record)
  const to = discarded ? 'discarded' : (verdict?.state ?? 'applied')
  if (from !== 'opened') round.run('DELETE FROM waits WHERE change = ?', change.position)
  for (const parent of verdict?.parents ?? [])
    round.run('INSERT OR IGNORE INTO waits VALUES (?, ?)', parent, change.position)
  if (to === 'applied') {
    if (from !== 'opened' && from !== 'applied')
      round.run('DELETE FROM aside_changes WHERE change = ?', change.position)
  } else setAside(round, change, to, record.model, verdict)
  count(round, from, to)
  if (to === 'applied' && from !== 'applied') addChange(round, change, about)
  if (to !== 'applied' && from === 'applied') round.dirty.add(record.canonical ?? record.ordinal)
}

/** What became of a change that applying has come past. */
export function stateOf(round: Round, position: number): ChangeState {
  if (position > round.through) return 'opened'
  const aside = round.get<{ state: ChangeState }>('SELECT state FROM aside_changes WHERE change = ?', position)
  return aside?.state ?? 'applied'
}

function setAside(
  round: Round,
  { position }: StoredChange,
  state: ChangeState,
  model: string,
  verdict: Verdict | undefined,
): void {
  round.run(
    'INSERT OR REPLACE INTO aside_changes (change, state, model, code, message) VALUES (?, ?, ?, ?, ?)',
    ...[position, state, model, verdict?.code ?? '', verdict?.message ?? ''],
  )
}

function count(round: Round, from: ChangeState, to: Exclude<ChangeState, 'opened'>): void {
  if (from === to) return
  if (from === 'opened') round.count('settled', 1)
  else round.count(from, -1)
  round.count(to, 1)
}
