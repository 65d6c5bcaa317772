import { readFact, writeFact } from './facts.ts'
import type { DaemonStore } from './open-store.ts'

/** How long the daemon has run on this laptop in all, in minutes: time that no wrong clock can jump. */
export function runningMinutes(store: DaemonStore): number {
  return Number(readFact(store, 'runningMinutes') ?? 0)
}

/** Call once a minute of monotonic time. */
export function countMinute(store: DaemonStore): void {
  writeFact(store, 'runningMinutes', String(runningMinutes(store) + 1))
}
