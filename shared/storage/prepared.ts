import type Database from 'better-sqlite3'

const statements = new WeakMap<Database.Database, Map<string, Database.Statement>>()

/**
 * The statement of this text, prepared once for each open database: to prepare one costs more than to run it does. Give it texts of
 * the program alone, each with one meaning, since all that were ever asked for are kept; do not iterate over it while it may be asked
 * for again.
 */
export function prepared<Given extends unknown[] = unknown[], Row = unknown>(
  client: Database.Database,
  sql: string,
): Database.Statement<Given, Row> {
  const known = statements.get(client) ?? new Map<string, Database.Statement>()
  statements.set(client, known)
  const statement = known.get(sql) ?? client.prepare(sql)
  known.set(sql, statement)
  return statement as unknown as Database.Statement<Given, Row>
}
