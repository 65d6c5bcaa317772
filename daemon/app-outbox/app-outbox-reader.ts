import type { Clock } from '../../shared/service/clock.ts'
import { asWaybillError, type WaybillError } from '../../shared/service/errors.ts'
import type { Logger } from '../../shared/service/logger.ts'
import { prepareRecording, type RecordContext } from '../outbox.ts'
import { type AppOutboxState, forgetRefused, keepRefused, readRefused } from './app-outbox-state.ts'
import type { AppTable, RowCounts } from './app-table.ts'
import { Marks } from './marks.ts'
import { OpenSince } from './open-since.ts'
import { type TakenPage, takePage } from './take-page.ts'

/** What reading the app's table needs to know. */
export interface ReaderContext {
  table: AppTable
  /** Where the app's database is; without a password. */
  database: string
  /** False pauses reading. It drops nothing, and the app does not notice. */
  recording: boolean
  /** How changes are recorded now. */
  record(): RecordContext
  clock: Clock
  logger: Logger
  /** How it stands has changed. */
  tell(state: AppOutboxState): void
  /** Something is wrong that an operator should see. */
  problem(error: WaybillError): void
}

const [shortestPauseMs, longestPauseMs] = [1_000, 60_000]
/** Looking in vain, and counting, take at most one part of so many of the time. */
const shareOfTime = 20
const otherWriter = { which: 'another program that writes to the database', seconds: null }

/**
 * Takes over what the app commits to its own table: read, put on our disk, and only then marked. Killed between any two of these it
 * reads again, and what it reads twice is known (invariants 1 and 2).
 */
export class AppOutboxReader {
  readonly #context: ReaderContext
  readonly #marks: Marks
  readonly #open: OpenSince
  #counts: RowCounts | undefined
  #countAgainAt = Number.NEGATIVE_INFINITY
  #notBefore = Number.NEGATIVE_INFINITY
  #pauseMs = shortestPauseMs
  #state: Pick<AppOutboxState, 'state' | 'since'> | undefined
  #lastTold = ''
  #isStopped = false

  constructor(context: ReaderContext) {
    this.#context = context
    this.#marks = new Marks(context.table)
    this.#open = new OpenSince(context.clock, context.logger)
  }

  /** Call it every second: takes over all that waits; where the database is away, looks again now and then. */
  async tick(): Promise<void> {
    const { clock, recording } = this.#context
    if (this.#isStopped || clock.monotonic() < this.#notBefore) return
    try {
      const busy = recording ? await this.#pass() : undefined
      await this.#count()
      this.#pauseMs = shortestPauseMs
      if (busy) this.#tell('busy', busy)
      else this.#tell(recording ? 'reading' : 'paused')
    } catch (thrown) {
      this.#fail(asWaybillError(thrown))
    }
  }

  /** Ends what runs after its page, so that the program can end. */
  stop(): void {
    this.#isStopped = true
  }

  /** @returns the error where all that can be is taken over and not marked, since the app holds its database */
  async #pass(): Promise<WaybillError | undefined> {
    const { table, clock, record } = this.#context
    const from = clock.monotonic()
    const counted = { accepted: 0, known: 0 }
    const commit = prepareRecording(record(), counted)
    let busy = await this.#marks.write()
    // A second pass would read the same again.
    if (!busy)
      for await (const rows of table.pages()) {
        this.#keep(await takePage(table, rows, clock, commit))
        busy ??= await this.#marks.write()
        if (this.#isStopped || (busy && this.#marks.mustWait)) break
        await this.#progress()
      }
    const open = await table.openTransactions()
    this.#open.see(busy ? [...open, otherWriter] : open)
    const now = clock.monotonic()
    if (counted.accepted === 0) this.#notBefore = now + Math.min((now - from) * shareOfTime, longestPauseMs)
    return busy
  }

  #keep(page: TakenPage): void {
    const { clock, logger, record } = this.#context
    const { store } = record()
    forgetRefused(store, page.taken)
    keepRefused(store, page.refused, clock.now())
    const [first] = page.refused
    if (first)
      logger.warn(
        { row: first.position, code: first.code, rows: page.refused.length },
        'rows of the app are no changes: they are set aside in its table',
      )
    this.#marks.add(page)
  }

  async #progress(): Promise<void> {
    if (this.#context.clock.monotonic() < this.#countAgainAt) return
    await this.#count()
    this.#tell('reading')
  }

  async #count(): Promise<void> {
    const { clock, table } = this.#context
    const from = clock.monotonic()
    if (from < this.#countAgainAt) return
    this.#counts = await table.count()
    const took = clock.monotonic() - from
    this.#countAgainAt = from + Math.min(Math.max(took * shareOfTime, shortestPauseMs), longestPauseMs)
  }

  #fail(error: WaybillError): void {
    const { clock, problem } = this.#context
    const state = error.code === 'APP_DATABASE_AWAY' ? 'away' : error.code === 'APP_DATABASE_BUSY' ? 'busy' : 'failing'
    if (this.#state?.state !== state) problem(error)
    this.#notBefore = clock.monotonic() + this.#pauseMs
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
    this.#tell(state, error)
  }

  #tell(state: AppOutboxState['state'], error?: WaybillError): void {
    const { clock, database, record, tell } = this.#context
    const since = state === 'reading' ? null : clock.now().toISOString()
    if (this.#state?.state !== state) this.#state = { state, since }
    const told: AppOutboxState = {
      database,
      ...this.#state,
      waiting: this.#counts ? Math.max(0, this.#counts.waiting - this.#marks.rows) : null,
      setAside: this.#counts?.setAside ?? 0,
      refused: readRefused(record().store, this.#counts?.setAsideAt ?? []),
      openTransactions: this.#open.long(),
      problem: error ? { code: error.code, message: error.message, hint: error.hint } : null,
    }
    if (JSON.stringify(told) === this.#lastTold) return
    this.#lastTold = JSON.stringify(told)
    tell(told)
  }
}
