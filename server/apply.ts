import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import { takeFreed } from './bear-keys.ts'
import { decide, settleAgain } from './decide.ts'
import { readFact, writeFact } from './facts.ts'
import type { ServerStore } from './open-store.ts'
import { takeRelinked } from './relinked.ts'
import { Round } from './round.ts'
import { setAside, settle, stateOf } from './settle-change.ts'
import { evaluate } from './show-record.ts'

const cursor = 'appliedThrough'
const mostAtOnce = 1000

/**
 * Applies what was opened, from the database alone, in one transaction of a thousand changes or so: what waited for parents that have
 * come, records whose order came after their changes, then what is new. One change that fails is set aside by itself (invariant 8).
 * Killed anywhere, it goes on from the last commit.
 * @returns how much was done; 0 when nothing is left
 * @throws DISK_FULL, STORAGE_FAILED: all is as before, and it is tried again
 */
export function applyNext(store: ServerStore, most = mostAtOnce): number {
  let used: Round | undefined
  try {
    return inRound(store, (round) => {
      used = round
      return applySome(round, most)
    })
  } catch (thrown) {
    const error = asWaybillError(thrown)
    if (error.code === 'DISK_FULL' || error.code === 'STORAGE_FAILED') throw error
    // Half of it may do; at last, what fails is alone.
    if (most > 1) return applyNext(store, most >> 1)
    return setFailedAside(store, used?.at, error)
  }
}

function applySome(round: Round, most: number): number {
  let done = takeRooted(round, most)
  done += takeFreed(round, most - done, (change) => {
    settleAgain(round, change)
    decide(round)
  })
  done += takeRelinked(round)
  done += takeRechecks(round, most - done)
  return done + takeNew(round, most - done)
}

/** A fault of the program, or a damaged row: the change is kept with it, and a person may have it tried again. */
function setFailedAside(store: ServerStore, at: number | undefined, error: WaybillError): number {
  if (at === undefined) throw error
  return inRound(store, (round) => {
    const change = round.change(at)
    if (!change) throw error
    const from = stateOf(round, at)
    if (from === 'opened') round.through = at
    setAside(round, change, from, { state: 'quarantined', code: error.code, message: error.message, parents: [] })
    return 1
  })
}

/** Does it in one transaction, with all that follows from it. */
export function inRound<T>(store: ServerStore, act: (round: Round) => T): T {
  return store.$client
    .transaction(() => {
      const from = appliedThrough(store)
      const round = new Round(store, from)
      const done = act(round)
      finish(round)
      round.end()
      if (round.through > from) writeFact(store, cursor, String(round.through))
      return done
    })
    .immediate()
}

/** The place in the feed of opened changes up to which it is known what became of each. */
export function appliedThrough(store: ServerStore): number {
  return Number(readFact(store, cursor) ?? 0)
}

function takeNew(round: Round, most: number): number {
  const changes = round.changesAfter(round.through, most)
  for (const change of changes) {
    round.through = change.position
    settle(round, change, 'opened')
    round.passed(change)
    decide(round)
  }
  return changes.length
}

/** Records whose order was not known until the first batch of a chain came. */
function takeRooted(round: Round, most: number): number {
  let [taken, last] = [0, { producer: '', chain: '' }]
  while (taken < most) {
    const next = round.get<typeof last>(
      'SELECT producer, chain FROM unrooted WHERE (producer, chain) > (?, ?) ORDER BY producer, chain LIMIT 1',
      ...[last.producer, last.chain],
    )
    if (!next) break
    last = next
    const { producer, chain } = next
    if (!round.get('SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = 1 LIMIT 1', producer, chain))
      continue
    const records = round.all<{ record: number }>(
      'SELECT record FROM unrooted WHERE producer = ? AND chain = ? LIMIT ?',
      ...[producer, chain, most - taken],
    )
    for (const { record } of records) {
      round.run('DELETE FROM unrooted WHERE producer = ? AND chain = ? AND record = ?', producer, chain, record)
      round.run('INSERT OR IGNORE INTO rechecks VALUES (?)', record)
    }
    taken += records.length
  }
  return taken
}

function takeRechecks(round: Round, most: number): number {
  const records = round.all<{ record: number }>('SELECT record FROM rechecks LIMIT ?', most)
  for (const { record } of records) {
    round.run('DELETE FROM rechecks WHERE record = ?', record)
    round.dirty.add(round.record(record).canonical ?? record)
    for (const change of round.repeatedOf(record)) settleAgain(round, change)
    decide(round)
  }
  return records.length
}

/** Until nothing is left: a decision may be among what is evaluated. */
function finish(round: Round): void {
  for (decide(round); round.dirty.size > 0; decide(round))
    for (const ordinal of round.dirty) {
      round.dirty.delete(ordinal)
      evaluate(round, ordinal)
    }
}
