import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { writeDurably } from '../storage/durable-file.ts'
import { WaybillError } from './errors.ts'

const Runtime = Type.Object({
  program: Type.Union([Type.Literal('daemon'), Type.Literal('relay'), Type.Literal('server')]),
  pid: Type.Integer({ minimum: 1 }),
  startedAt: Type.String(),
  ports: Type.Record(Type.String(), Type.Integer()),
})
/** Which program runs on a data directory, and where it listens. */
export type Runtime = Static<typeof Runtime>

/** The running program of a data directory; undefined when none runs. */
export function readRuntime(data: string): Runtime | undefined {
  let runtime: unknown
  try {
    runtime = JSON.parse(readFileSync(fileOf(data), 'utf8'))
  } catch {
    return undefined
  }
  return Value.Check(Runtime, runtime) && isRunning(runtime) ? runtime : undefined
}

/** Says that this process runs on the directory. @throws LOCKED when another does */
export async function claimRuntime(data: string, program: Runtime['program'], startedAt: Date): Promise<void> {
  const other = readRuntime(data)
  if (other && other.pid !== process.pid)
    throw new WaybillError('LOCKED', `waybill ${other.program} (process ${other.pid}) runs on ${data}`)
  await writeRuntime(data, { program, pid: process.pid, startedAt: startedAt.toISOString(), ports: {} })
}

/** Tells other commands where the program listens. */
export async function writeRuntime(data: string, runtime: Runtime): Promise<void> {
  await writeDurably(fileOf(data), JSON.stringify(runtime))
}

/** Says that nothing runs here any more. */
export function clearRuntime(data: string): void {
  rmSync(fileOf(data), { force: true })
}

function fileOf(data: string): string {
  return join(data, 'runtime.json')
}

/** A process id may have been given to another program since: its command line must be ours. */
function isRunning({ pid }: Runtime): boolean {
  if (pid === process.pid) return true
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('waybill')
  } catch {
    return false
  }
}
