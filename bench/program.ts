import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { readRuntime } from '../shared/service/runtime.ts'

const command = fileURLToPath(new URL('../bin/waybill', import.meta.url))

/** One of the three programs, as a process of its own. */
export class Program {
  readonly #child: ChildProcess
  readonly #data: string
  readonly #ended: Promise<unknown>
  /** When it said that it is ready; milliseconds of the wall clock. */
  readonly ready: Promise<number>

  constructor(program: 'daemon' | 'relay' | 'server', data: string, args: string[]) {
    this.#data = data
    const ports = ['--port', '0', '--page-port', '0', ...(program === 'server' ? ['--https-port', '0'] : [])]
    this.#child = spawn(command, [program, '--data', data, ...ports, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#ended = once(this.#child, 'exit')
    this.ready = this.#heard()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Where it listens. */
  portOf(name: string): number {
    const runtime = readRuntime(this.#data)
    return runtime?.ports[name] ?? 0
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }

  async #heard(): Promise<number> {
    const said: string[] = []
    return new Promise((resolve, reject) => {
      const lines = createInterface({ input: this.#child.stderr as NodeJS.ReadableStream })
      lines.on('line', (line) => {
        said.push(line)
        const { time, msg } = parse(line)
        if (msg?.endsWith(' is ready')) resolve(time ?? 0)
      })
      lines.on('close', () => reject(new Error(`a program ended: ${said.slice(-5).join('\n')}`)))
    })
  }
}

/** Runs a `waybill` command to its end on the text of a file. @throws Error with what it said when it failed */
export async function runCommand(args: string[], input: number): Promise<void> {
  const child = spawn(command, args, { stdio: [input, 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`waybill ${args.join(' ')} ended with ${code}`)
}

function parse(line: string): { time?: number; msg?: string } {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}
