import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import PQueue from 'p-queue'
import type { Test } from 'tap'
import { readRuntime } from '../../shared/service/runtime.ts'
import { cleanEnvironment, waybillPath } from '../fixtures/hotspot-command.ts'
import { until } from '../fixtures/until.ts'

/** What a command did: its exit code (null when a signal ended it), and all that it printed. */
export interface Told {
  code: number | null
  out: string
  err: string
}

/** How a command is run. */
export interface Given {
  input?: Iterable<string | Buffer>
  env?: Record<string, string>
}

/** A started program. */
export interface Started {
  ports: Record<string, number>
  log(): string
  /** @returns the exit code after SIGTERM */
  stop(): Promise<number | null>
}

const mostAtOnce = 3
/** As a user runs it: without what the test runner puts into every process. */
const asUser = ['-u', 'NODE_OPTIONS', waybillPath]
const errorLine = /^[A-Z_]+: [^\n]*[^.\n]\. Hint: [^\n]+\n$/
const onLoopback = {
  daemon: ['--announce-on'],
  server: ['--https-port', '0', '--https-on', '127.0.0.1', '--announce-on'],
  relay: ['--browse-on'],
}

/** Where a person sits who has only the command line: a temporary directory, and whatever was started from it. */
export class Desk {
  readonly directory: string
  /** All that was ever printed or logged here, to look for what must not be in it. */
  readonly said: string[] = []
  readonly #t: Test
  readonly #children = new Set<ChildProcess>()
  readonly #queue = new PQueue({ concurrency: mostAtOnce })

  constructor(t: Test) {
    this.#t = t
    this.directory = mkdtempSync(join(tmpdir(), 'waybill-desk-'))
    t.teardown(async () => {
      for (const child of this.#children) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      rmSync(this.directory, { recursive: true, force: true })
    })
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts)
  }

  /** Runs one command to its end. */
  async run(args: string[], { input = [], env = {} }: Given = {}): Promise<Told> {
    return this.#queue.add(async () => {
      const child = this.spawn(args, env)
      const told = Promise.all([text(child.stdout as Readable), text(child.stderr as Readable)])
      const given = Readable.from(input)
      if (child.stdin) given.pipe(child.stdin).on('error', () => given.destroy())
      const [code] = await once(child, 'close')
      const [out, err] = await told
      this.said.push(out, err)
      return { code, out, err }
    })
  }

  /** Runs a command that has to succeed. @returns what it printed */
  async do(args: string[], given: Given = {}): Promise<string> {
    const { code, out, err } = await this.run(args, given)
    if (code !== 0) throw new Error(`waybill ${args.join(' ')} ended with ${code}: ${err || out}`)
    return out
  }

  /** Runs a command that prints one JSON value. */
  async json<T>(args: string[], given: Given = {}): Promise<T> {
    return JSON.parse(await this.do([...args, '--json'], given))
  }

  /** A command that has to fail: exit 1, nothing on standard output, one line with this code on standard error. */
  async refused(args: string[], code: string, says: RegExp = /./, given: Given = {}): Promise<void> {
    const told = await this.run(args, given)
    const what = `waybill ${args.join(' ')}`
    this.#t.match(told, { code: 1, out: '', err: errorLine }, `${what}: exit 1 and one line`)
    this.#t.ok(told.err.startsWith(`${code}: `) && says.test(told.err), `${what}: ${code} ${says}: ${told.err}`)
  }

  /** Starts a program on free ports and loopback, and waits until it listens. */
  async start(
    program: 'daemon' | 'relay' | 'server',
    data: string,
    flags: string[] = [],
    env: Record<string, string> = {},
  ): Promise<Started> {
    const logPath = this.path(`${data.split('/').at(-1)}.log`)
    const log = openSync(logPath, 'a')
    const place = ['--port', '0', '--page-port', '0', ...onLoopback[program], '127.0.0.1']
    const child = spawn('env', [...asUser, program, '--data', data, ...place, ...flags], {
      stdio: ['ignore', log, log],
      env: { ...cleanEnvironment, ...env },
    })
    closeSync(log)
    this.#keep(child)
    const tell = () => readFileSync(logPath, 'utf8')
    const isReady = () => child.exitCode !== null || readRuntime(data)?.ports.pagePort !== undefined
    await until(`waybill ${program} listens on ${data}`, isReady, { tell })
    const stop = async () => {
      const ended = once(child, 'exit')
      if (child.exitCode === null) child.kill('SIGTERM')
      else return child.exitCode
      await ended
      this.said.push(tell())
      return child.exitCode
    }
    return { ports: readRuntime(data)?.ports ?? {}, log: tell, stop }
  }

  /** A command that the test itself follows or ends. */
  spawn(args: string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn('env', [...asUser, ...args], { stdio: 'pipe', env: { ...cleanEnvironment, ...env } })
    this.#keep(child)
    return child
  }

  #keep(child: ChildProcess): void {
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
  }
}
