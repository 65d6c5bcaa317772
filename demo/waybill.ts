import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../bin/waybill', import.meta.url))

/** Runs one `waybill` command to its end. @returns what it printed @throws Error with what it said when it failed */
export async function waybill(args: string[], input?: Iterable<string>): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const told = Promise.all([text(child.stdout), text(child.stderr)])
  const given = Readable.from(input ?? []).pipe(child.stdin)
  given.on('error', () => undefined)
  const [code] = await once(child, 'close')
  const [output, errors] = await told
  if (code !== 0) throw new Error(`waybill ${args.join(' ')}: ${errors || output}`)
  return output
}

/** A started program. */
export interface Program {
  stop(): Promise<void>
}

/** Starts one of the three programs; its log goes to a file. */
export function startProgram(args: string[], log: string): Program {
  const file = openSync(log, 'a')
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', file, file] })
  const ended = once(child, 'exit')
  return {
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
