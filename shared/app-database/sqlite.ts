import { statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import Database, { SqliteError } from 'better-sqlite3'
import type { Connection, Row, Value } from './app-database.ts'
import type { AppDatabaseUrl } from './app-database-url.ts'

const longestWaitMs = 2_000
const askAgainMs = 20

/**
 * Opens the app's SQLite file as it is, in whatever journal mode. The program's other work goes on while the app writes: this waits
 * between two askings, not within one.
 */
export async function connectSqlite({ database: path }: AppDatabaseUrl): Promise<Connection> {
  const opened = idOf(path)
  const client = new Database(path, { fileMustExist: true, timeout: 0 })
  const run = async (sql: string, values: readonly Value[] = []) => {
    if (idOf(path) !== opened) throw away(`${path} was replaced`)
    const deadline = performance.now() + longestWaitMs
    for (;;) {
      try {
        return once(client, sql, values)
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error
        await pause(askAgainMs)
      }
    }
  }
  return { run, begin: 'BEGIN IMMEDIATE', end: async () => void client.close() }
}

function once(client: Database.Database, sql: string, values: readonly Value[]): Row[] {
  const statement = client.prepare<unknown[], Row>(sql)
  const given = values.map((value) => (typeof value === 'boolean' ? Number(value) : value))
  if (statement.reader) return statement.all(...given)
  statement.run(...given)
  return []
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
