import { type AppDatabase, placeholders, type Row } from '../../shared/app-database/app-database.ts'
import {
  type AppTable,
  mostNamed,
  type OpenTransaction,
  type RefusedRow,
  type RowCounts,
  type WaitingRow,
} from './app-table.ts'
import { changeOfRow } from './change-of-row.ts'

const columns = [
  ...['change_id', 'model', 'action', 'pk', 'natural_key', 'fields', 'base'],
  ...['made_by', 'recorded_at', 'reason', 'site', 'app_version'],
]

/** No earlier row of this record was set aside. */
export const nothingSetAsideBefore = `NOT EXISTS (SELECT 1 FROM waybill_outbox b
  WHERE b.taken = 2 AND b.model = o.model AND b.pk = o.pk AND b.position < o.position)`

/** `waybill_outbox` (`waybill outbox ddl`), as far as all dialects agree on it. */
export abstract class WaybillTable implements AppTable {
  readonly app: AppDatabase

  constructor(app: AppDatabase) {
    this.app = app
  }

  abstract pages(): AsyncGenerator<WaitingRow[]>
  abstract openTransactions(): Promise<OpenTransaction[]>

  /** How a column is read so that nothing of it is altered. */
  protected asStored(column: string): string {
    return column
  }

  read(rows: readonly WaitingRow[]): Promise<Row[]> {
    const wanted = columns.map((column) => `${this.asStored(column)} ${column}`).join(', ')
    const positions = rows.map(({ position }) => Number(position))
    return this.app.query(
      `SELECT position, ${wanted} FROM waybill_outbox WHERE position IN (${placeholders(positions)}) ORDER BY position`,
      positions,
    )
  }

  changeOf(row: Row): Record<string, unknown> {
    return changeOfRow(row)
  }

  async markTaken(positions: readonly string[]): Promise<void> {
    await this.#mark(1, positions)
  }

  async markSetAside(refused: readonly RefusedRow[]): Promise<void> {
    await this.#mark(
      2,
      refused.map(({ position }) => position),
    )
  }

  async count(): Promise<RowCounts> {
    const [waiting] = await this.app.query('SELECT count(*) n FROM waybill_outbox WHERE taken = 0')
    const [setAside] = await this.app.query('SELECT count(*) n FROM waybill_outbox WHERE taken = 2')
    const first = await this.app.query(
      `SELECT position FROM waybill_outbox WHERE taken = 2 ORDER BY position LIMIT ${mostNamed}`,
    )
    return {
      waiting: Number(waiting?.n),
      setAside: Number(setAside?.n),
      setAsideAt: first.map(({ position }) => String(position)),
    }
  }

  async #mark(taken: 1 | 2, positions: readonly string[]): Promise<void> {
    if (positions.length === 0) return
    await this.app.query(
      `UPDATE waybill_outbox SET taken = ${taken} WHERE taken = 0 AND position IN (${placeholders(positions)})`,
      positions.map(Number),
    )
  }
}

/** A row as the first query gives it. */
export function waitingRow({ position, model, pk, bytes }: Row): WaitingRow {
  return { position: String(position), model: String(model), pk: String(pk), bytes: Number(bytes) }
}
