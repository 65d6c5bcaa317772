import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { emptyLog } from '../shared/storage/empty-log.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { adoptStudy } from './adopt-study.ts'
import type { DaemonStore } from './open-store.ts'
import type { SealContext } from './prepare-batches.ts'
import { sealBatches } from './seal.ts'
import { countDocuments } from './seal-documents.ts'

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
  /** A crash may have left plain text in the log. */
  #mustEmptyLog = true

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
    const waiting = unsealed(store) > 0
    if (!waiting) this.#waitingSince = undefined
    else this.#waitingSince ??= this.#clock.monotonic()
    const since = this.#waitingSince ?? this.#clock.monotonic()
    const overdue = waiting && this.#clock.monotonic() - since >= study.limits.sealAfterSeconds * 1000
    return this.#seal(!overdue)
  }

  #seal(onlyFull: boolean): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => this.#run(onlyFull))
    return this.#running
  }

  async #run(onlyFull: boolean): Promise<void> {
    const context = this.#context()
    const found = this.#mustEmptyLog
    // Until it is known that nothing was erased: what breaks off may have erased before.
    this.#mustEmptyLog = true
    const sealed = await sealRun(context, onlyFull)
    if (sealed === 0) this.#mustEmptyLog = found
    if (this.#mustEmptyLog) this.#mustEmptyLog = !emptyLog(context.store.$client)
  }
}

/** How many changes and documents wait to be sealed, of either as many as matter. */
export function unsealed(store: DaemonStore, most = 5000): number {
  return outboxSize(store, most).changes + countDocuments(store)
}

/** How many changes wait to be sealed; costs no more than a batch does. */
export function outboxSize(store: DaemonStore, most = 5000): { changes: number; bytes: number } {
  const counted = prepared<[number], { changes: number; bytes: number | null }>(
    store.$client,
    'SELECT count(*) changes, sum(size) bytes FROM (SELECT size FROM outbox LIMIT ?)',
  ).get(most)
  return { changes: counted?.changes ?? 0, bytes: counted?.bytes ?? 0 }
}

async function sealRun(context: SealContext, onlyFull: boolean): Promise<number> {
  adoptStudy(context.store, context.study)
  let sealed = 0
  while (sealed < batchesAnAsk) {
    const batches = await sealOnce(context, onlyFull, batchesAnAsk - sealed)
    if (batches === 0) break
    sealed += batches
  }
  return sealed
}

/** A meeting may begin another chain while batches are sealed: then they are sealed again, for that one. */
async function sealOnce(context: SealContext, onlyFull: boolean, most: number): Promise<number> {
  try {
    return await sealBatches(context, onlyFull, most)
  } catch (error) {
    if (!(error instanceof WaybillError) || error.code !== 'LOCKED') throw error
    return sealBatches(context, onlyFull, most)
  }
}
