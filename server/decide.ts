import { targetOf } from './discards.ts'
import { merge } from './merge-records.ts'
import type { Round, StoredChange, StoredRecord } from './round.ts'
import { settle, stateOf } from './settle-change.ts'

const acts: Record<string, (round: Round, decision: StoredRecord) => void> = {
  'waybill.discard': discard,
  'waybill.merge': merge,
}

/** Acts on the decisions of persons that have come, or were taken back, and on what follows from them. */
export function decide(round: Round): void {
  for (let ordinal = round.decided.shift(); ordinal !== undefined; ordinal = round.decided.shift()) {
    const decision = round.record(ordinal)
    acts[decision.model]?.(round, decision)
  }
}

/** Settles again what a decision to discard names, or named. */
function discard(round: Round, { ordinal, pk }: StoredRecord): void {
  const targets = new Set(round.appliedOf(ordinal).map(({ position }) => targetOf(round, position)))
  for (const target of targets) {
    const change = target === undefined ? undefined : round.find(target, Buffer.from(pk, 'hex'))
    if (change) settleAgain(round, change)
  }
}

/** Judges a change anew; one that applying has not come to is left for then. */
export function settleAgain(round: Round, change: StoredChange): void {
  const from = stateOf(round, change.position)
  if (from !== 'opened') settle(round, change, from)
}
