import type { About } from './about-change.ts'
import { addChange } from './add-change.ts'
import { bear } from './bear-keys.ts'
import { isDiscarded } from './discards.ts'
import { judge, type Verdict } from './judge-change.ts'
import { ownModels } from './read-decision.ts'
import { takeBatchDecision } from './release-batches.ts'
import type { Round, StoredChange } from './round.ts'

const retryModel = `${ownModels}retry`

/** What became of a change; `opened` is one that applying has not come to. */
export type ChangeState = 'opened' | 'applied' | 'waiting' | 'held' | 'quarantined' | 'discarded'

/** Why a change is not applied; of one that is discarded, why it would not be besides. */
interface Aside extends Partial<Pick<Verdict, 'code' | 'message'>>, Pick<Verdict, 'parents'> {
  state: Exclude<ChangeState, 'opened' | 'applied'>
}

/**
 * Decides what becomes of a change, and does it: it is applied, or set aside by itself and holds up nothing but what depends on it
 * (invariant 8). A discarded change that could be applied still bears its keys: who named it as a parent does not wait again.
 * @param from what it was until now
 */
export function settle(round: Round, change: StoredChange, from: ChangeState): void {
  round.at = change.position
  const about: About = change.about === null ? {} : JSON.parse(change.about)
  const record = round.record(change.record)
  const verdict = judge(round, about, record.model)
  if (!verdict) bear(round, change, about, record)
  if (isDiscarded(round, change, record)) setAside(round, change, from, { parents: [], ...verdict, state: 'discarded' })
  else if (verdict) setAside(round, change, from, verdict)
  else if (from !== 'applied') {
    forget(round, change, from)
    count(round, from, 'applied')
    addChange(round, change, about, record)
    if (record.model === retryModel) tryAgain(round, about)
    if (about.decision && 'on' in about.decision) takeBatchDecision(round.store, change.position, about.decision)
  }
}

/**
 * What a person says to try again is read again under the newest study configuration, which has to wait for the thread that reads; a
 * change that has not come, until it comes. It counts whatever its own record shows: what was tried is not untried.
 */
function tryAgain(round: Round, { decision }: About): void {
  if (decision && 'target' in decision)
    round.run('INSERT OR IGNORE INTO rereads VALUES (?, ?)', decision.target, Buffer.from(decision.digest, 'hex'))
}

/** Keeps a change that is not applied, with its code; what it waits for frees it. */
export function setAside(round: Round, change: StoredChange, from: ChangeState, verdict: Aside): void {
  const { state, code = '', message = '', parents } = verdict
  const record = round.record(change.record)
  forget(round, change, from)
  round.run(
    'INSERT INTO aside_changes (change, state, model, code, message) VALUES (?, ?, ?, ?, ?)',
    ...[change.position, state, record.model, code, message],
  )
  for (const parent of parents) round.wait(parent, change.position)
  count(round, from, state)
  if (from === 'applied') round.dirty.add(record.canonical ?? record.ordinal)
}

/** What became of a change that applying has come past. */
export function stateOf(round: Round, position: number): ChangeState {
  if (position > round.through) return 'opened'
  const aside = round.get<{ state: ChangeState }>('SELECT state FROM aside_changes WHERE change = ?', position)
  return aside?.state ?? 'applied'
}

function forget(round: Round, { position }: StoredChange, from: ChangeState): void {
  if (from === 'opened' || from === 'applied') return
  round.run('DELETE FROM waits WHERE change = ?', position)
  round.run('DELETE FROM aside_changes WHERE change = ?', position)
}

function count(round: Round, from: ChangeState, to: Exclude<ChangeState, 'opened'>): void {
  if (from === to) return
  if (from === 'opened') round.count('settled', 1)
  else round.count(from, -1)
  round.count(to, 1)
}
