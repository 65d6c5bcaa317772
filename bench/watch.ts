import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'

const lookEveryMs = 3
const deadlineMs = 120_000

/** Looks into the database of a running program until a count is reached: an event is what is committed there. */
export class Watch {
  readonly #database: Database.Database

  constructor(data: string) {
    this.#database = new Database(`${data}/waybill.sqlite`, { readonly: true, timeout: 15_000 })
  }

  /** @param query gives one number @returns the wall clock, in milliseconds, when it was `count` or more */
  async until(query: string, count: number): Promise<number> {
    const look = this.#database.prepare<[], number>(query).pluck()
    for (const end = performance.now() + deadlineMs; performance.now() < end; await pause(lookEveryMs))
      if ((look.get() ?? 0) >= count) return Date.now()
    throw new Error(`${this.#database.name}: ${query} is ${look.get()}, not ${count}`)
  }

  one(query: string): number {
    return this.#database.prepare<[], number>(query).pluck().get() ?? 0
  }

  close(): void {
    this.#database.close()
  }
}
