import type { AppDatabase, Connection, Row, Run, Value } from './app-database.ts'
import { appDatabaseError } from './app-database-error.ts'
import { type AppDatabaseUrl, placeOf } from './app-database-url.ts'

/** Only the driver that is needed is loaded. */
const drivers = {
  postgresql: async () => (await import('./postgresql.ts')).connectPostgresql,
  mariadb: async () => (await import('./mariadb.ts')).connectMariadb,
  sqlite: async () => (await import('./sqlite.ts')).connectSqlite,
}

/** The app's database at `url`. Nothing is connected before the first statement. */
export function openAppDatabase(url: AppDatabaseUrl): AppDatabase {
  return new OpenedDatabase(url)
}

class OpenedDatabase implements AppDatabase {
  readonly #url: AppDatabaseUrl
  #connection: Connection | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(url: AppDatabaseUrl) {
    this.#url = url
  }

  get dialect() {
    return this.#url.dialect
  }

  get place() {
    return placeOf(this.#url)
  }

  readonly query: Run = (sql, values) => this.#inTurn(({ run }) => this.#told(run, sql, values))

  transaction<T>(act: (run: Run) => Promise<T>): Promise<T> {
    return this.#inTurn(async ({ run, begin }) => {
      const within: Run = (sql, values) => this.#told(run, sql, values)
      await within(begin)
      try {
        const done = await act(within)
        await within('COMMIT')
        return done
      } catch (error) {
        // Where not even that can be said, the connection takes the transaction with it.
        await run('ROLLBACK').catch(() => this.#drop())
        throw error
      }
    })
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => undefined)
    await this.#drop()
  }

  /** One after the other: what stands between BEGIN and COMMIT is one caller's. */
  #inTurn<T>(act: (connection: Connection) => Promise<T>): Promise<T> {
    const done = this.#turn.catch(() => undefined).then(async () => act(await this.#connect()))
    this.#turn = done
    return done
  }

  async #connect(): Promise<Connection> {
    try {
      this.#connection ??= await (await drivers[this.#url.dialect]())(this.#url)
      return this.#connection
    } catch (thrown) {
      throw appDatabaseError(thrown, this.#url.password)
    }
  }

  async #told(run: Run, sql: string, values?: readonly Value[]): Promise<Row[]> {
    try {
      return await run(sql, values)
    } catch (thrown) {
      const error = appDatabaseError(thrown, this.#url.password)
      if (error.code === 'APP_DATABASE_AWAY') await this.#drop()
      throw error
    }
  }

  async #drop(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.end().catch(() => undefined)
  }
}
