import type { OpenTransaction, WaitingRow } from './app-table.ts'
import { pageRows } from './app-table.ts'
import { nothingSetAsideBefore, WaybillTable, waitingRow } from './waybill-table.ts'

const sized = [
  ...['change_id', 'model', 'pk', 'natural_key', 'fields', 'base'],
  ...['made_by', 'recorded_at', 'reason', 'site', 'app_version'],
]

/** In SQLite one transaction writes at a time, so positions come in the order of the commits. */
export class SqliteTable extends WaybillTable {
  async *pages(): AsyncGenerator<WaitingRow[]> {
    const bytes = sized.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ')
    for (let after = 0; ; ) {
      const rows = await this.app.query(
        `SELECT position, substr(model, 1, 201) model, substr(pk, 1, 201) pk, ${bytes} bytes FROM waybill_outbox o
         WHERE taken = 0 AND position > ? AND ${nothingSetAsideBefore} ORDER BY position LIMIT ${pageRows}`,
        [after],
      )
      if (rows.length > 0) yield rows.map(waitingRow)
      if (rows.length < pageRows) return
      after = Number(rows.at(-1)?.position)
    }
  }

  /** SQLite's text may hold anything: as bytes nothing of it is replaced before it is checked. */
  protected override asStored(column: string): string {
    return `CAST(${column} AS BLOB)`
  }

  /** Whoever writes shows only by what we cannot write meanwhile. */
  async openTransactions(): Promise<OpenTransaction[]> {
    return []
  }
}
