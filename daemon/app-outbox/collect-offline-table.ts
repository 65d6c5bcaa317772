import { type AppDatabase, placeholders, type Row } from '../../shared/app-database/app-database.ts'
import {
  type AppTable,
  mostNamed,
  type OpenTransaction,
  pageRows,
  type RefusedRow,
  type RowCounts,
  type WaitingRow,
} from './app-table.ts'
import { textOf } from './change-of-row.ts'

const table = 'django_collect_offline_outgoingtransaction'
/** The old consumers read what no server has; what Waybill has taken over, it calls a middleman's. */
const waits = 'o.is_consumed_middleman = false AND o.is_consumed_server = false'
const order = ['o.timestamp', 'o.created', 'o.id'].join(', ')
const actions: Record<string, string> = { I: 'insert', U: 'update', D: 'delete' }

/**
 * django-collect-offline's `OutgoingTransaction` as it is. Transport only: `tx` stays sealed by the old app, so it yields no requisition
 * lines and no conflict rule. Its schema is not changed: a row that was taken over is `is_consumed_middleman` (no server has signed for
 * it, so `is_consumed_server` is not ours to say) by the consumer `waybill`; one that is no change has `is_error` and the reason.
 */
export class CollectOfflineTable implements AppTable {
  readonly #app: AppDatabase

  constructor(app: AppDatabase) {
    this.#app = app
  }

  /** In the old consumers' order. A row that commits late is found by its flags, not by a place. */
  async *pages(): AsyncGenerator<WaitingRow[]> {
    let last: Row | undefined
    for (;;) {
      const rows = await this.#look(last)
      if (rows.length > 0)
        yield rows.map(({ id, tx_name, tx_pk, bytes }) => ({
          position: String(id),
          model: String(tx_name),
          pk: String(tx_pk),
          bytes: Number(bytes),
        }))
      if (rows.length < pageRows) return
      last = rows.at(-1)
    }
  }

  async read(rows: readonly WaitingRow[]): Promise<Row[]> {
    const ids = rows.map(({ position }) => position)
    return this.#app.query(
      `SELECT o.id position, o.* FROM ${table} o WHERE o.id IN (${placeholders(ids)}) ORDER BY ${order}`,
      ids,
    )
  }

  changeOf(row: Row): Record<string, unknown> {
    const timestamp = textOf('timestamp', row.timestamp)
    const tx = row.tx instanceof Uint8Array ? row.tx : textOf('tx', row.tx)
    return {
      id: `collect-offline-${bare(row.id)}`,
      model: textOf('tx_name', row.tx_name),
      action: actions[textOf('action', row.action)] ?? row.action,
      pk: dashed(row.tx_pk),
      fields: { timestamp, producer: textOf('producer', row.producer) },
      opaque: Buffer.from(tx).toString('base64'),
      user: typeof row.user_created === 'string' ? row.user_created : '',
      recordedAt: timeOf(timestamp),
      ...(row.site_id === null || row.site_id === undefined ? {} : { site: String(row.site_id) }),
    }
  }

  async markTaken(positions: readonly string[]): Promise<void> {
    if (positions.length === 0) return
    await this.#app.query(
      `UPDATE ${table} SET is_consumed_middleman = true, consumer = 'waybill', is_error = false, error = NULL
       WHERE is_consumed_middleman = false AND id IN (${placeholders(positions)})`,
      positions,
    )
  }

  async markSetAside(refused: readonly RefusedRow[]): Promise<void> {
    for (const { position, code, message } of refused)
      await this.#app.query(`UPDATE ${table} SET is_error = true, error = ? WHERE id = ?`, [
        `waybill: ${code}: ${message}`.slice(0, 1000),
        position,
      ])
  }

  async count(): Promise<RowCounts> {
    const of = `FROM ${table} o WHERE ${waits} AND o.is_error =`
    const [waiting] = await this.#app.query(`SELECT count(*) n ${of} false`)
    const [setAside] = await this.#app.query(`SELECT count(*) n ${of} true`)
    const first = await this.#app.query(`SELECT o.id ${of} true ORDER BY ${order} LIMIT ${mostNamed}`)
    return {
      waiting: Number(waiting?.n),
      setAside: Number(setAside?.n),
      setAsideAt: first.map(({ id }) => String(id)),
    }
  }

  /** The table does not tell: what is committed is read, whatever else is open. */
  async openTransactions(): Promise<OpenTransaction[]> {
    return []
  }

  async #look(last: Row | undefined): Promise<Row[]> {
    const place = ['timestamp', 'created', 'id'].map((column) => String(last?.[column]))
    return this.#app.query(
      `SELECT o.id, o.tx_name, o.tx_pk, o.timestamp, o.created, octet_length(o.tx) bytes FROM ${table} o
       WHERE ${waits} AND o.is_error = false ${last ? `AND (${order}) > (?, ?, ?)` : ''}
       AND NOT EXISTS (SELECT 1 FROM ${table} b WHERE b.tx_pk = o.tx_pk AND b.tx_name = o.tx_name AND b.is_error = true
         AND b.is_consumed_middleman = false AND b.is_consumed_server = false
         AND (b.timestamp, b.created, b.id) < (${order}))
       ORDER BY ${order} LIMIT ${pageRows}`,
      last ? place : [],
    )
  }
}

/** PostgreSQL writes a UUID with dashes, the others without. */
function bare(id: unknown): string {
  return String(id).replaceAll('-', '').toLowerCase()
}

function dashed(id: unknown): string {
  return bare(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** `20261124081500000000` is a time in UTC; anything else is left for the change's own check to refuse. */
function timeOf(timestamp: string): string {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{0,6})$/.exec(timestamp)
  if (!parts) return timestamp
  const [year, month, day, hour, minute, second, fraction = ''] = parts.slice(1)
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
}
