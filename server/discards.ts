import type { About } from './about-change.ts'
import { ownModels } from './read-decision.ts'
import type { Round, StoredChange, StoredRecord } from './round.ts'

const model = 'waybill.discard'

/** Whether a person's decision to discard this change is in force. A decision is never discarded: it is taken back. */
export function isDiscarded(round: Round, { digest, idHash }: StoredChange, { model: of }: StoredRecord): boolean {
  if (of.startsWith(ownModels) || !round.some('discards')) return false
  const decision = round.recordAt(model, digest.toString('hex'))
  return decision?.state === 'present' && targetOf(round, decision.shown) === idHash
}

/** What a decision on a change names, as `idHash` finds it. */
export function targetOf(round: Round, position: number | null): number | undefined {
  const about = position === null ? null : round.change(position)?.about
  const { decision } = JSON.parse(about ?? '{}') as About
  return decision && 'target' in decision ? decision.target : undefined
}
