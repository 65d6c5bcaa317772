import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import Database from 'better-sqlite3'
import { ensureDirectory, writeDurably } from '../storage/durable-file.ts'
import { WaybillError } from './errors.ts'

const Runtime = Type.Object({
  program: Type.Union([Type.Literal('daemon'), Type.Literal('relay'), Type.Literal('server')]),
  pid: Type.Integer({ minimum: 1 }),
  startedAt: Type.String(),
  ports: Type.Record(Type.String(), Type.Integer()),
})
/** Which program runs on a data directory, and where it listens. */
export type Runtime = Static<typeof Runtime>

/** The lock is SQLite's on a file: it ends with the process, however that ends, and no other process's number is like it. */
const held = new Map<string, Database.Database>()
const claimWaitMs = 250

/** The running program of a data directory; undefined when none runs. */
export function readRuntime(data: string): Runtime | undefined {
  return held.has(data) || isLocked(data) ? readFile(data) : undefined
}

/** Says that this process runs on the directory, until it ends. @throws LOCKED when another does */
export async function claimRuntime(data: string, program: Runtime['program'], startedAt: Date): Promise<void> {
  await ensureDirectory(data)
  if (!held.has(data)) held.set(data, lock(data))
  await writeRuntime(data, { program, pid: process.pid, startedAt: startedAt.toISOString(), ports: {} })
}

/** Tells other commands where the program listens. */
export async function writeRuntime(data: string, runtime: Runtime): Promise<void> {
  await writeDurably(fileOf(data), JSON.stringify(runtime))
}

/** Says that nothing runs here any more. */
export function clearRuntime(data: string): void {
  rmSync(fileOf(data), { force: true })
  held.get(data)?.close()
  held.delete(data)
}

function fileOf(data: string): string {
  return join(data, 'runtime.json')
}

function lockOf(data: string): string {
  return join(data, 'runtime.lock')
}

function readFile(data: string): Runtime | undefined {
  try {
    const runtime: unknown = JSON.parse(readFileSync(fileOf(data), 'utf8'))
    return Value.Check(Runtime, runtime) ? runtime : undefined
  } catch {
    return undefined
  }
}

function lock(data: string): Database.Database {
  const client = new Database(lockOf(data), { timeout: claimWaitMs })
  try {
    client.exec('BEGIN EXCLUSIVE')
    return client
  } catch (cause) {
    client.close()
    if (!isBusy(cause)) throw cause
    const other = readFile(data)
    const who = other ? `waybill ${other.program} (process ${other.pid})` : 'another program'
    throw new WaybillError('LOCKED', `${who} runs on ${data}`, { cause })
  }
}

/** Asks for a moment to read, which the holder of the lock refuses. */
function isLocked(data: string): boolean {
  if (!existsSync(lockOf(data))) return false
  const client = new Database(lockOf(data), { readonly: true, timeout: 0 })
  try {
    client.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    client.close()
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
