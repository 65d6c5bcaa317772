import type { Row } from '../../shared/app-database/app-database.ts'
import { mostHeld, type OpenTransaction, pageRows, recordOf, type WaitingRow } from './app-table.ts'
import { nothingSetAsideBefore, WaybillTable, waitingRow } from './waybill-table.ts'

/** As outbox.postgresql.sql takes them: one lock a record, and one of 256 for those of a large transaction. */
const locks = { record: 1_466_006_882, many: 1_466_006_883 }
const record = `hashtext(o.model || ' ' || o.pk)`
const bytes = 'octet_length(o.natural_key) + octet_length(o.fields) + octet_length(o.base)'

/** What one pass knows of those who write meanwhile. Locks are only added: what was passed over once stays passed over. */
interface Others {
  records: Set<number>
  many: Set<number>
  /** Records of which a row was committed only after the locks were read. */
  late: Set<string>
}

/**
 * Rows commit late, and not in the order of their positions. A row may be taken when no open transaction holds its record's lock. Three
 * steps, in this order: (1) a snapshot, (2) the locks, (3) the rows. A row that the snapshot sees took its lock before; so did any
 * transaction with a lower position of its record, since the position comes after the lock. At (2) that one either still holds the
 * lock, or it has ended, and (3) sees what it committed. Which transaction began first (`txid`) says nothing of this: it may write last.
 */
export class PostgresqlTable extends WaybillTable {
  async *pages(): AsyncGenerator<WaitingRow[]> {
    const others: Others = { records: new Set(), many: new Set(), late: new Set() }
    for (let after = 0; others.records.size + others.late.size < mostHeld; ) {
      const rows = await this.#look(others, after)
      const known = rows.filter((row) => isKnown(row, others)).map(waitingRow)
      if (known.length > 0) yield known
      if (rows.length < pageRows) return
      after = Number(rows.at(-1)?.position)
    }
  }

  async openTransactions(): Promise<OpenTransaction[]> {
    const rows = await this.app.query(
      `SELECT l.pid, floor(extract(epoch FROM max(clock_timestamp() - a.xact_start)))::integer seconds
       FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE ${ourLocks} GROUP BY l.pid ORDER BY l.pid`,
    )
    return rows.map(({ pid, seconds }) => ({
      which: `process ${pid} of PostgreSQL`,
      seconds: seconds === null ? null : Number(seconds),
    }))
  }

  async #look(others: Others, after: number): Promise<Row[]> {
    const [seen] = await this.app.query('SELECT pg_current_snapshot()::text snapshot')
    // The lock's number is unsigned, the hash is not.
    for (const { class: lock, object } of await this.app.query(
      `SELECT l.classid::bigint "class", l.objid::bigint "object" FROM pg_locks l WHERE ${ourLocks}`,
    ))
      (lock === locks.record ? others.records : others.many).add(Number(object) | 0)
    return this.app.query(
      `SELECT position, model, pk, ${bytes} bytes, pg_visible_in_snapshot(txid, ?::pg_snapshot) seen FROM waybill_outbox o
       WHERE taken = 0 AND position > ? AND ${nothingSetAsideBefore}
       AND NOT (${record} = ANY(?::integer[]) OR (${record} & 255) = ANY(?::integer[]))
       ORDER BY position LIMIT ${pageRows}`,
      [String(seen?.snapshot), after, arrayOf(others.records), arrayOf(others.many)],
    )
  }
}

const ourLocks = `l.locktype = 'advisory' AND l.objsubid = 2 AND l.classid IN (${locks.record}, ${locks.many})
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

function isKnown(row: Row, { late }: Others): boolean {
  const of = recordOf(waitingRow(row))
  if (row.seen !== true) late.add(of)
  return !late.has(of)
}

function arrayOf(numbers: Iterable<number>): string {
  return `{${[...numbers].join()}}`
}
