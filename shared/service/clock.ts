/** Time, injected. Nothing in Waybill is ordered by `now`; it is shown, and signed as what this laptop believed. */
export interface Clock {
  /** This laptop's wall clock, which may be years off. */
  now(): Date
  /** Milliseconds that only ever grow while the program runs; for timeouts and retention. */
  monotonic(): number
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
}
