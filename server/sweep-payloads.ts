import { rmSync } from 'node:fs'
import { setImmediate as nextRound } from 'node:timers/promises'
import type { Logger } from '../shared/service/logger.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { bringing } from './bringing.ts'
import type { ServerStore } from './open-store.ts'

/** What sweeping needs to know. */
interface SweepContext {
  store: ServerStore
  payloads: PayloadStore
  logger: Logger
}

const atOnce = 2000

/**
 * Removes sealed payloads that no batch refers to, as a kill between a file's fsync and the commit leaves them: those alone that were there
 * when the program started. What is being brought is left, though it was there before. Memory does not grow with what is stored.
 */
export class PayloadSweep {
  readonly #context: SweepContext
  #isStopped = false
  #running: Promise<void> | undefined

  private constructor(context: SweepContext) {
    this.#context = context
  }

  /** Notes what is there; call it before anything can be taken in. */
  static async begin(context: SweepContext): Promise<PayloadSweep> {
    const { $client } = context.store
    $client.exec(
      'DROP TABLE IF EXISTS temp.stored_payloads; CREATE TEMP TABLE stored_payloads (digest TEXT PRIMARY KEY)',
    )
    const insert = $client.prepare('INSERT OR IGNORE INTO temp.stored_payloads VALUES (?)')
    const insertAll = $client.transaction((digests: string[]) => digests.map((digest) => insert.run(digest)))
    let digests: string[] = []
    for await (const digest of context.payloads.digests()) {
      if (digests.push(digest) < atOnce) continue
      insertAll(digests)
      digests = []
    }
    insertAll(digests)
    return new PayloadSweep(context)
  }

  /** Sweeps, beside whatever else is done. */
  start(): void {
    const { logger } = this.#context
    this.#running ??= this.#sweep().then(
      (swept) => {
        if (swept > 0) logger.warn({ swept }, 'removed sealed payloads that no batch refers to')
      },
      (error) => logger.error({ err: error }, 'sweeping sealed payloads failed'),
    )
  }

  /** Ends it; what is left is swept at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** @returns how many were removed */
  async #sweep(): Promise<number> {
    const { $client } = this.#context.store
    const newest = $client.prepare<[], { newest: number | null }>('SELECT max(ordinal) newest FROM batches')
    const keep = $client.prepare(
      'DELETE FROM temp.stored_payloads WHERE digest IN (SELECT payload_digest FROM batches WHERE ordinal > ? AND ordinal <= ?)',
    )
    const known = newest.get()?.newest ?? 0
    for (let done = 0; done < known; done += atOnce) {
      if (this.#isStopped) return 0
      keep.run(done, Math.min(done + atOnce, known))
      await nextRound()
    }
    const next = $client.prepare<[], { digest: string }>('SELECT digest FROM temp.stored_payloads LIMIT 1')
    const forget = $client.prepare('DELETE FROM temp.stored_payloads WHERE digest = ?')
    let swept = 0
    for (let row = next.get(); row && !this.#isStopped; row = next.get()) {
      if (this.#remove(row.digest, known)) swept += 1
      forget.run(row.digest)
      await nextRound()
    }
    return swept
  }

  /** In one step with the question whether a batch has come since: who commits one, in whatever program, looks whether its payload is there. */
  #remove(digest: string, known: number): boolean {
    const { store, payloads } = this.#context
    const path = payloads.pathOf(digest)
    const isNamed = store.$client.prepare('SELECT 1 FROM batches WHERE ordinal > ? AND payload_digest = ? LIMIT 1')
    return store.$client
      .transaction(() => {
        if (bringing.has(path) || isNamed.get(known, digest) !== undefined) return false
        rmSync(path, { force: true })
        rmSync(`${path}.part`, { force: true })
        return true
      })
      .immediate()
  }
}
