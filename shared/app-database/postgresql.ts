import pg from 'pg'
import type { Connection, Row, Value } from './app-database.ts'
import type { AppDatabaseUrl } from './app-database-url.ts'

const int8 = 20
/** Dates, times and JSON: as the server writes them, not as this program would read them. */
const asText = new Set([114, 3802, 1082, 1083, 1114, 1184])

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === int8) return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : text)
    return asText.has(oid) ? (text: string) => text : pg.types.getTypeParser(oid, format)
  },
}

/** Connects to PostgreSQL. */
export async function connectPostgresql(url: AppDatabaseUrl): Promise<Connection> {
  const client = new pg.Client({
    host: url.host,
    port: url.port,
    user: url.user,
    password: url.password,
    database: url.database,
    ssl: false,
    application_name: 'waybill',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    lock_timeout: 2_000,
    statement_timeout: 60_000,
    types: types as pg.CustomTypesConfig,
  })
  // A connection that breaks while nobody asks is found broken by the next who does.
  client.on('error', () => undefined)
  await client.connect()
  return {
    run: (sql, values = []) => run(client, sql, values),
    begin: 'BEGIN ISOLATION LEVEL READ COMMITTED',
    end: () => client.end(),
  }
}

async function run(client: pg.Client, sql: string, values: readonly Value[]): Promise<Row[]> {
  let number = 0
  const numbered = sql.replaceAll('?', () => {
    number += 1
    return `$${number}`
  })
  const { rows } = await client.query<Row>(numbered, [...values])
  return rows
}
