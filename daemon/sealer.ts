import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import type { DaemonStore } from './open-store.ts'
import { type SealContext, sealBatch } from './seal.ts'

/** A peer that asks again within this time gets what is sealed already, unless a whole batch waits. */
const askEveryMs = 10_000
/** One asking seals at most this many batches before it answers; the next asking goes on. */
const batchesAnAsk = 64

/** Decides when to seal, one sealing at a time: when a peer asks, when a batch is full, or after the time limit. */
export class Sealer {
  readonly #context: () => SealContext
  readonly #clock: Clock
  #running: Promise<void> = Promise.resolve()
  #lastAsked = Number.NEGATIVE_INFINITY
  #waitingSince: number | undefined

  constructor(context: () => SealContext, clock: Clock) {
    this.#context = context
    this.#clock = clock
  }

  /** A peer asks for what is pending. Resolves when it may be shown what there is. */
  ask(): Promise<void> {
    const early = this.#clock.monotonic() - this.#lastAsked < askEveryMs
    if (!early) this.#lastAsked = this.#clock.monotonic()
    return this.#seal(early)
  }

  /** Call every second or so: seals full batches, and what has waited longer than the study allows. */
  tick(): Promise<void> {
    const { store, study } = this.#context()
    const waiting = outboxSize(store).changes > 0
    if (!waiting) this.#waitingSince = undefined
    else this.#waitingSince ??= this.#clock.monotonic()
    const since = this.#waitingSince ?? this.#clock.monotonic()
    const overdue = waiting && this.#clock.monotonic() - since >= study.limits.sealAfterSeconds * 1000
    return this.#seal(!overdue)
  }

  #seal(onlyFull: boolean): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => sealRun(this.#context(), onlyFull))
    return this.#running
  }
}

/** How much waits to be sealed; costs no more than a batch does. */
export function outboxSize(store: DaemonStore, most = 5000): { changes: number; bytes: number } {
  const counted = store.$client
    .prepare<[number], { changes: number; bytes: number | null }>(
      'SELECT count(*) changes, sum(size) bytes FROM (SELECT size FROM outbox LIMIT ?)',
    )
    .get(most)
  return { changes: counted?.changes ?? 0, bytes: counted?.bytes ?? 0 }
}

async function sealRun(context: SealContext, onlyFull: boolean): Promise<void> {
  let sealed = 0
  while (sealed < batchesAnAsk) {
    if (onlyFull && !isFull(context.store, context.study)) break
    if ((await sealBatch(context)) === 0) break
    sealed += 1
  }
  // Erased plain text must not linger in the write-ahead log.
  if (sealed > 0) context.store.$client.pragma('wal_checkpoint(TRUNCATE)')
}

function isFull(store: DaemonStore, { limits }: StudyDocument): boolean {
  const { changes, bytes } = outboxSize(store, limits.batchChanges)
  return changes >= limits.batchChanges || bytes >= limits.batchBytes
}
