import { asWaybillError } from '../../shared/service/errors.ts'
import { mostHeld, type OpenTransaction, pageRows, recordOf, type WaitingRow } from './app-table.ts'
import { nothingSetAsideBefore, WaybillTable, waitingRow } from './waybill-table.ts'

const bytes = 'octet_length(o.natural_key) + octet_length(o.fields) + octet_length(o.base)'
const waits = 'taken = 0 AND position > ?'

/**
 * Rows commit late, and not in the order of their positions. A dirty read tells of which record each row is, committed or not; the
 * ordered locking read (READ COMMITTED) after it tells which of them are committed, and skips the others. What stands behind one of
 * those in its record is left.
 */
export class MariadbTable extends WaybillTable {
  /** The first row that somebody had not committed. */
  #uncommitted: string | undefined

  async *pages(): AsyncGenerator<WaitingRow[]> {
    const held = new Set<string>()
    this.#uncommitted = undefined
    for (let after = 0; held.size < mostHeld; ) {
      const rows = await this.#dirty(after)
      const last = rows.at(-1)?.position ?? ''
      const committed = last === '' ? new Set() : await this.#committed(after, Number(last))
      const takeable = rows.filter((row) => this.#isFree(row, committed, held))
      if (takeable.length > 0) yield takeable
      if (rows.length < pageRows) return
      after = Number(last)
    }
  }

  async openTransactions(): Promise<OpenTransaction[]> {
    if (this.#uncommitted === undefined) return []
    const unnamed = [{ which: `the transaction of row ${this.#uncommitted}`, seconds: null }]
    try {
      const rows = await this.app.query(
        `SELECT trx_mysql_thread_id id, timestampdiff(SECOND, trx_started, sysdate()) seconds
         FROM information_schema.innodb_trx WHERE trx_rows_modified > 0 ORDER BY trx_started`,
      )
      // Times here are the server's own; what would be negative is another time zone.
      const named = rows.map(({ id, seconds }) => ({
        which: `connection ${id} of MariaDB`,
        seconds: Number(seconds) >= 0 ? Number(seconds) : null,
      }))
      return named.length > 0 ? named : unnamed
    } catch (error) {
      // The account may not see other transactions (PROCESS).
      if (asWaybillError(error).code !== 'APP_DATABASE_FAILED') throw error
      return unnamed
    }
  }

  #isFree(row: WaitingRow, committed: Set<unknown>, held: Set<string>): boolean {
    const of = recordOf(row)
    if (!committed.has(row.position)) {
      held.add(of)
      this.#uncommitted ??= row.position
    }
    return !held.has(of)
  }

  async #dirty(after: number): Promise<WaitingRow[]> {
    await this.app.query('SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED')
    const rows = await this.app.query(
      `SELECT position, model, pk, ${bytes} bytes FROM waybill_outbox o
       WHERE ${waits} AND ${nothingSetAsideBefore} ORDER BY position LIMIT ${pageRows}`,
      [after],
    )
    return rows.map(waitingRow)
  }

  async #committed(after: number, to: number): Promise<Set<string>> {
    const rows = await this.app.transaction((run) =>
      run(
        `SELECT position FROM waybill_outbox WHERE ${waits} AND position <= ? ORDER BY position FOR UPDATE SKIP LOCKED`,
        [after, to],
      ),
    )
    return new Set(rows.map(({ position }) => String(position)))
  }
}
