import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { WaybillError } from '../service/errors.ts'
import type { Dialect } from './app-database.ts'

/** Where the app's database is, and as whom. `host` is the directory of a unix socket where it begins with a slash. */
export interface AppDatabaseUrl {
  dialect: Dialect
  host: string
  port: number
  user: string
  password: string
  /** The name of the database, or the path of SQLite's file. */
  database: string
}

const dialects: Record<string, Dialect> = {
  'postgresql:': 'postgresql',
  'postgres:': 'postgresql',
  'mariadb:': 'mariadb',
  'mysql:': 'mariadb',
  'sqlite:': 'sqlite',
}
const usual = {
  postgresql: { port: 5432, socket: '/var/run/postgresql' },
  mariadb: { port: 3306, socket: '/run/mysqld/mysqld.sock' },
  sqlite: { port: 0, socket: '' },
}

/**
 * Reads `postgresql://user@host:5432/name`, `mariadb://...` or `sqlite:///path`. Without a host it is the unix socket.
 * @throws BAD_CONFIG saying what is wrong; never with the text itself, since a password may be in it
 */
export function readAppDatabaseUrl(text: string): AppDatabaseUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const dialect = url && dialects[url.protocol]
  if (!dialect)
    throw new WaybillError('BAD_CONFIG', 'appDatabase is not postgresql://..., mariadb://... or sqlite:///path')
  if (url.search !== '' || url.hash !== '')
    throw new WaybillError('BAD_CONFIG', 'appDatabase: nothing may follow the name of the database')
  const database = decoded(dialect === 'sqlite' ? url.pathname : url.pathname.slice(1))
  if (database === '' || database.endsWith('/') || (dialect === 'sqlite' && url.host !== ''))
    throw new WaybillError('BAD_CONFIG', 'appDatabase does not name a database')
  return {
    dialect,
    host: decoded(url.hostname).replace(/^\[(.*)\]$/, '$1') || usual[dialect].socket,
    port: Number(url.port) || usual[dialect].port,
    user: decoded(url.username) || (dialect === 'sqlite' ? '' : userInfo().username),
    password: decoded(url.password),
    database,
  }
}

/** The same, with the password that a file holds on its first line. @throws BAD_CONFIG */
export function withPasswordFile(url: AppDatabaseUrl, path: string): AppDatabaseUrl {
  if (path === '') return url
  try {
    return { ...url, password: readFileSync(path, 'utf8').split(/\r?\n/)[0] ?? '' }
  } catch (cause) {
    throw new WaybillError('BAD_CONFIG', `the password file ${path} cannot be read`, { cause })
  }
}

/** As people may read it. */
export function placeOf({ dialect, host, port, user, database }: AppDatabaseUrl): string {
  if (dialect === 'sqlite') return `sqlite://${database}`
  return host.startsWith('/') ? `${dialect}:///${database}` : `${dialect}://${user}@${host}:${port}/${database}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new WaybillError('BAD_CONFIG', 'appDatabase: a % that is meant as such is written %25')
  }
}
