import type { Clock } from '../shared/service/clock.ts'
import { readFact, writeFact } from './facts.ts'
import type { DaemonStore } from './open-store.ts'

/** How long the daemon has run on this laptop in all, in minutes: time that no wrong clock can jump. */
export function runningMinutes(store: DaemonStore): number {
  return Number(readFact(store, 'runningMinutes') ?? 0)
}

/**
 * Gives the function that counts the whole minutes since it was called last; call it now and then. A program that starts again and
 * again counts none that it did not run.
 */
export function minuteCounter(store: DaemonStore, clock: Clock): () => void {
  let counted = clock.monotonic()
  return () => {
    const minutes = Math.floor((clock.monotonic() - counted) / 60_000)
    if (minutes < 1) return
    counted += minutes * 60_000
    writeFact(store, 'runningMinutes', String(runningMinutes(store) + minutes))
  }
}
