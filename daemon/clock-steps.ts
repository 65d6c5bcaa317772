import type { Clock } from '../shared/service/clock.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { readFact, writeFact } from './facts.ts'
import type { DaemonStore } from './open-store.ts'

/** What nobody notices: a clock that is set right by less than this is not doubted. */
const toleranceMs = 2 * 60_000
/** The newest contradictions; one that is older than these is of no tube that still waits. */
const mostSteps = 64

/**
 * Gives the function that notes where this laptop's wall clock contradicts itself: it lies behind what it said before the program
 * ended, or it steps while the program runs. Call it now and then, at least every minute.
 * @param upMs milliseconds since the machine started, its sleep counted in: waking up is no step
 * @returns whether a step was noted
 */
export function clockWatcher(store: DaemonStore, clock: Clock, upMs: () => number): () => boolean {
  const before = Date.parse(readFact(store, 'wallTime') ?? '')
  let begun = clock.now().getTime()
  let [wall, up] = [begun, upMs()]
  let isFirst = true
  return () => {
    const expected = wall + upMs() - up
    const found = clock.now().getTime()
    ;[wall, up] = [found, upMs()]
    const wasBehind = isFirst && before - found > toleranceMs
    const hasStepped = Math.abs(found - expected) > toleranceMs
    isFirst = false
    writeFact(store, 'wallTime', new Date(found).toISOString())
    if (wasBehind) noteSpan(store, found, before)
    // What was written since the clock went on without a step is as much in doubt as what the step passed over.
    if (hasStepped) noteSpan(store, Math.min(begun, found), Math.max(expected, found))
    if (hasStepped) begun = found
    return wasBehind || hasStepped
  }
}

/**
 * Gives the function that says whether this laptop's clock contradicts a time: it lies in the future, or where the clock is known
 * to have stepped. What is no time is not doubted.
 */
export function doubtAt(store: DaemonStore, now: Date): (time: string) => boolean {
  const spans = prepared<[], { first: string; last: string }>(store.$client, 'SELECT first, last FROM clock_steps')
    .all()
    .map(({ first, last }) => [Date.parse(first), Date.parse(last)] as const)
  return (time) => {
    const at = Date.parse(time)
    return at > now.getTime() + toleranceMs || spans.some(([first, last]) => at >= first && at <= last)
  }
}

function noteSpan({ $client }: DaemonStore, first: number, last: number): void {
  const text = (ms: number) => new Date(ms).toISOString()
  $client
    .transaction(() => {
      $client.prepare('INSERT INTO clock_steps (first, last) VALUES (?, ?)').run(text(first), text(last))
      $client
        .prepare('DELETE FROM clock_steps WHERE position <= (SELECT max(position) FROM clock_steps) - ?')
        .run(mostSteps)
    })
    .immediate()
}
