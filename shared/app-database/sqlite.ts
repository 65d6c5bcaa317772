import { statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import Database, { SqliteError } from 'better-sqlite3'
import type { Connection, Row, Value } from './app-database.ts'
import type { AppDatabaseUrl } from './app-database-url.ts'

const longestWaitMs = 2_000
const askAgainMs = 20
const mostPrepared = 20

/**
 * Opens the app's SQLite file as it is, in whatever journal mode. The program's other work goes on while the app writes: this waits
 * between two askings, not within one.
 */
export async function connectSqlite({ database: path }: AppDatabaseUrl): Promise<Connection> {
  const opened = idOf(path)
  const client = new Database(path, { fileMustExist: true, timeout: 0 })
  // What is read once need not stay in memory: this laptop has little.
  client.pragma('cache_size = -1000')
  const prepared = new Prepared(client)
  const run = async (sql: string, values: readonly Value[] = []) => {
    if (idOf(path) !== opened) throw away(`${path} was replaced`)
    const deadline = performance.now() + longestWaitMs
    for (;;) {
      try {
        return once(prepared.of(sql), values)
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error
        await pause(askAgainMs)
      }
    }
  }
  return { run, begin: 'BEGIN IMMEDIATE', end: async () => void client.close() }
}

/** Statements are kept and used again: one that is only forgotten holds memory that the collector does not see. */
class Prepared {
  readonly #client: Database.Database
  readonly #statements = new Map<string, Database.Statement<unknown[], Row>>()

  constructor(client: Database.Database) {
    this.#client = client
  }

  of(sql: string): Database.Statement<unknown[], Row> {
    const statement = this.#statements.get(sql) ?? this.#client.prepare<unknown[], Row>(sql)
    this.#statements.set(sql, statement)
    const [oldest] = this.#statements.keys()
    if (this.#statements.size > mostPrepared && oldest !== undefined) this.#statements.delete(oldest)
    return statement
  }
}

function once(statement: Database.Statement<unknown[], Row>, values: readonly Value[]): Row[] {
  const given = values.map(bound)
  if (statement.reader) return statement.all(...given)
  statement.run(...given)
  return []
}

/** The driver would bind an integer as 7.0, which a column without a kind of its own keeps. */
function bound(value: Value): unknown {
  if (typeof value === 'boolean') return BigInt(value)
  return Number.isSafeInteger(value) ? BigInt(value as number) : value
}

/** Which file it is: one that was put in its place, as a restored copy is, has another. */
function idOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isFile()) throw away(`${path} is not there`)
  return `${found.dev}.${found.ino}`
}

function away(message: string): Error {
  return Object.assign(new Error(message), { code: 'SQLITE_CANTOPEN' })
}

function isBusy(error: unknown): boolean {
  return error instanceof SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
}
