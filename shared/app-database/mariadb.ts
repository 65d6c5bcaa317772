import { createConnection, type Connection as Driver, type ExecuteValues } from 'mysql2/promise'
import type { Connection, Row, Value } from './app-database.ts'
import type { AppDatabaseUrl } from './app-database-url.ts'

/** Nothing is cut short or made into another value; nobody is waited for longer than this. */
const session = `SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION innodb_lock_wait_timeout = 2,
  SESSION time_zone = '+00:00'`

/** Connects to MariaDB or MySQL. */
export async function connectMariadb(url: AppDatabaseUrl): Promise<Connection> {
  const driver = await createConnection({
    ...(url.host.startsWith('/') ? { socketPath: url.host } : { host: url.host, port: url.port }),
    user: url.user,
    password: url.password,
    database: url.database,
    charset: 'utf8mb4',
    supportBigNumbers: true,
    dateStrings: true,
    connectTimeout: 5_000,
    maxPreparedStatements: 50,
  })
  driver.on('error', () => undefined)
  await driver.query(session)
  await driver.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  return {
    run: (sql, values = []) => run(driver, sql, values),
    begin: 'START TRANSACTION',
    end: () => driver.end(),
  }
}

/** Values travel beside the statement, never within it. */
async function run(driver: Driver, sql: string, values: readonly Value[]): Promise<Row[]> {
  const [rows] =
    values.length === 0 ? await driver.query(sql) : await driver.execute(sql, values.map(bound) as ExecuteValues)
  return Array.isArray(rows) ? (rows as Row[]) : []
}

function bound(value: Value): unknown {
  return value instanceof Uint8Array ? Buffer.from(value) : value
}
