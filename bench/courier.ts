import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Watch } from './watch.ts'

/** The relay's verbs in a process of their own, told whom to visit and when: so a visit can be timed from its first byte. */
export class Courier {
  readonly data: string
  readonly ready: Promise<unknown>
  readonly #child: ChildProcess

  constructor(data: string) {
    this.data = data
    const script = fileURLToPath(new URL('courier-process.ts', import.meta.url))
    const command = readFileSync(new URL('../bin/waybill', import.meta.url), 'utf8')
    this.#child = fork(script, [data], {
      execArgv: ['--disable-warning=ExperimentalWarning', ...memoryFlags(command)],
      env: { ...process.env, ...memorySettings(command) },
    })
    this.ready = Promise.race([once(this.#child, 'message'), endOf(this.#child)])
  }

  /**
   * Visits whoever listens on these ports until the count is reached in the relay's database.
   * @returns when the first connection was asked for, and when it was reached; milliseconds of the wall clock
   */
  async visit(ports: number[], query: string, count: number): Promise<{ began: number; ended: number }> {
    const watch = new Watch(this.data)
    const before = watch.one(query)
    this.#child.send({ visit: ports })
    const [began] = await once(this.#child, 'message')
    const ended = await watch.until(query, before + count)
    watch.close()
    this.#child.send({ visit: [] })
    await once(this.#child, 'message')
    return { began: Number(began), ended }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async stop(): Promise<void> {
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

/** As much memory as the command gives its programs. */
function memoryFlags(command: string): string[] {
  return /^memory="(.*)"$/m.exec(command)?.[1]?.split(' ') ?? []
}

/** What it tells glibc's allocator (mallopt(3)). */
function memorySettings(command: string): Record<string, string> {
  return Object.fromEntries(
    [...command.matchAll(/(MALLOC_\w+)="\$\{\1:-(\d+)\}"/g)].map(([, name, value]) => [name, value]),
  )
}

async function endOf(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`the courier ended with ${code}`)
}
