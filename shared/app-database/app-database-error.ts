import { type ErrorCode, WaybillError } from '../service/errors.ts'

type Kind = Extract<ErrorCode, 'APP_DATABASE_AWAY' | 'APP_DATABASE_BUSY' | 'APP_DATABASE_FAILED'>

/** Somebody else holds what is asked for: PostgreSQL's classes of locks and of serialization, MariaDB's, SQLite's. */
const busy = /^(55P03|40P01|40001|ER_LOCK_WAIT_TIMEOUT|ER_LOCK_DEADLOCK|ER_LOCK_NOWAIT|SQLITE_(BUSY|LOCKED).*)$/
/** The server answers, only to say that it cannot serve now. */
const leaving =
  /^(08...|57P0[1-5]|53300|ER_SERVER_SHUTDOWN|ER_CON_COUNT_ERROR|ER_TOO_MANY_USER_CONNECTIONS|ER_CONNECTION_KILLED|ER_NORMAL_SHUTDOWN|SQLITE_CANTOPEN.*)$/
/** The server, or SQLite, answers: what it says is about what was asked. */
const answers = /^([0-9A-Z]{5}|ER_[A-Z0-9_]+|SQLITE_[A-Z_]+)$/

/**
 * What a driver threw, with a documented code. The driver's error is not kept as the cause: it may carry the statement with the
 * values in it. No password is told.
 */
export function appDatabaseError(thrown: unknown, password: string): WaybillError {
  if (thrown instanceof WaybillError) return thrown
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const said = thrown instanceof Error ? thrown.message || code : String(thrown)
  const message = password === '' ? said : said.replaceAll(password, '...')
  return new WaybillError(kindOf(code), `the app's database: ${message}`)
}

function kindOf(code: string): Kind {
  if (busy.test(code)) return 'APP_DATABASE_BUSY'
  if (leaving.test(code)) return 'APP_DATABASE_AWAY'
  // EPIPE has five capitals too, and is no SQLSTATE: those of the system begin with E and name no class of SQL.
  return answers.test(code) && !isOfSystem(code) ? 'APP_DATABASE_FAILED' : 'APP_DATABASE_AWAY'
}

function isOfSystem(code: string): boolean {
  return /^E[A-Z]+$/.test(code)
}
