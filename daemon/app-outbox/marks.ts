import { asWaybillError, type WaybillError } from '../../shared/service/errors.ts'
import type { AppTable, RefusedRow } from './app-table.ts'
import type { TakenPage } from './take-page.ts'

/** So many rows are marked in one statement. */
const mostAtOnce = 500
/** While the app holds its database for long, so many rows are taken over unmarked; then it waits. */
const mostUnmarked = 100_000

/** What is on our disk and not yet marked in the app's table. It is lost with the program, and then read again and known. */
export class Marks {
  readonly #table: AppTable
  #taken: string[] = []
  #refused: RefusedRow[] = []

  constructor(table: AppTable) {
    this.#table = table
  }

  get rows(): number {
    return this.#taken.length + this.#refused.length
  }

  /** A row that was set aside holds what comes after it in its record only once it is marked. */
  get mustWait(): boolean {
    return this.#refused.length > 0 || this.#taken.length >= mostUnmarked
  }

  add({ taken, refused }: TakenPage): void {
    this.#taken.push(...taken)
    this.#refused.push(...refused)
  }

  /** @returns the error where the app holds its database. @throws whatever else keeps them from being written */
  async write(): Promise<WaybillError | undefined> {
    try {
      while (this.#refused.length > 0) {
        await this.#table.markSetAside(this.#refused.slice(0, mostAtOnce))
        this.#refused.splice(0, mostAtOnce)
      }
      while (this.#taken.length > 0) {
        await this.#table.markTaken(this.#taken.slice(-mostAtOnce))
        this.#taken.splice(-mostAtOnce)
      }
      return undefined
    } catch (thrown) {
      const error = asWaybillError(thrown)
      if (error.code !== 'APP_DATABASE_BUSY') throw error
      return error
    }
  }
}
