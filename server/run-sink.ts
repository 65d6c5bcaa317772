import { setTimeout } from 'node:timers/promises'
import type { AppDatabase } from '../shared/app-database/app-database.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import { type Repeated, repeat } from '../shared/service/repeat.ts'
import type { Changes } from '../shared/web/changes.ts'
import { writeLastError } from './facts.ts'
import type { ServerStore } from './open-store.ts'
import { type SinkTarget, sinkNext } from './sink.ts'
import { newestOfFeed, noteSink, type SinkFact } from './sink-status.ts'

/** What running a sink needs to know. */
export interface SinkContext {
  store: ServerStore
  clock: Clock
  logger: Logger
  changes: Changes
}

/** Another program may have applied, or the app's database may have been restored: looked at so often. */
const everyMs = 5_000
const longestPauseMs = 60_000
/** What is killed in the middle of a transaction did not happen. */
const patienceMs = 2_000

/** Keeps a table of the app's database in step with a feed, until it is stopped. While that database is away it is asked less and less often. */
export class RunningSink {
  readonly #context: SinkContext
  readonly #database: AppDatabase
  readonly #step: () => Promise<{ cursor: string; isEnd: boolean }>
  readonly #repeated: Repeated
  readonly #stopListening: () => void
  #fact: SinkFact
  #stopped = false
  #pauseMs = 0
  #notBefore = 0

  constructor(context: SinkContext, database: AppDatabase, target: SinkTarget<{ cursor: string }>) {
    this.#context = context
    this.#database = database
    this.#step = () => sinkNext(database, target)
    this.#fact = {
      place: database.place,
      feed: target.name,
      cursor: null,
      writtenAt: null,
      awaySince: null,
      problem: null,
    }
    this.#note({})
    this.#repeated = repeat(everyMs, context.logger, () => this.#run())
    this.#stopListening = context.changes.onChange(() => this.#listen())
  }

  /** Much is told that is not of this feed: the app's database is not asked for that. */
  #listen(): void {
    const { cursor, feed } = this.#fact
    if (cursor?.split('.')[1] !== String(newestOfFeed(this.#context.store, feed))) this.#repeated.soon()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening()
    const stopped = this.#repeated.stop().then(() => this.#database.close())
    await Promise.race([stopped, setTimeout(patienceMs, undefined, { ref: false })])
  }

  async #run(): Promise<void> {
    if (this.#context.clock.monotonic() < this.#notBefore) return
    try {
      for (let isEnd = false; !isEnd && !this.#stopped; ) {
        const sunk = await this.#step()
        isEnd = sunk.isEnd
        this.#done(sunk.cursor)
      }
    } catch (thrown) {
      if (!this.#stopped) this.#failed(asWaybillError(thrown))
    }
  }

  #done(cursor: string): void {
    this.#pauseMs = 0
    if (cursor === this.#fact.cursor && this.#fact.problem === null) return
    const { writtenAt } = this.#fact
    const at = cursor === this.#fact.cursor ? writtenAt : this.#context.clock.now().toISOString()
    this.#note({ cursor, writtenAt: at, awaySince: null, problem: null })
    this.#context.changes.tell()
  }

  #failed(error: WaybillError): void {
    const { clock, logger, store, changes } = this.#context
    this.#pauseMs = Math.min(longestPauseMs, Math.max(1_000, this.#pauseMs * 2))
    this.#notBefore = clock.monotonic() + this.#pauseMs
    const { code, message, hint } = error
    const isNew = this.#fact.problem?.code !== code
    if (!isNew) return
    logger.error({ code, place: this.#database.place }, message)
    writeLastError(store, error, 'the app', clock.now())
    const awaySince = this.#fact.awaySince ?? clock.now().toISOString()
    this.#note({ problem: { code, message, hint }, awaySince })
    changes.tell()
  }

  #note(news: Partial<SinkFact>): void {
    this.#fact = { ...this.#fact, ...news }
    noteSink(this.#context.store, this.#fact)
  }
}
