import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plain } from './plain.ts'

/** curl + fsync + sha256sum of all laptops' changes, uncompressed, over plain HTTP; all laptops at once. */
export class Curl {
  readonly #plain: Plain
  readonly #directory: string
  readonly #server: ChildProcess
  readonly #port: string

  private constructor(plain: Plain, directory: string, server: ChildProcess, port: string) {
    this.#plain = plain
    this.#directory = join(directory, 'curl')
    this.#server = server
    this.#port = port
  }

  static async start(plain: Plain, directory: string): Promise<Curl> {
    const script = fileURLToPath(new URL('serve-files.ts', import.meta.url))
    const args = ['--disable-warning=ExperimentalWarning', script, plain.directory]
    const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [port] = await once(server.stdout as NodeJS.ReadableStream, 'data')
    return new Curl(plain, directory, server, String(port).trim())
  }

  /** @returns milliseconds until every file is on disk, fsynced, and its digest found right */
  async measure(): Promise<number> {
    const folders = this.#plain.laptops.map((laptop) => this.#prepare(laptop))
    const began = performance.now()
    await Promise.all(folders.map(fetchAll))
    const took = performance.now() - began
    rmSync(this.#directory, { recursive: true })
    return took
  }

  async stop(): Promise<void> {
    this.#server.kill('SIGTERM')
    await once(this.#server, 'exit')
  }

  #prepare(laptop: string): string {
    const folder = join(this.#directory, laptop)
    mkdirSync(folder, { recursive: true })
    const files = [...this.#plain.fileNames(), 'SHA256SUMS']
    const lines = files.map((file) => `url=http://127.0.0.1:${this.#port}/${laptop}/${file}\noutput=${file}\n`)
    writeFileSync(join(folder, 'config'), lines.join(''))
    return folder
  }
}

/** One curl on one kept-alive connection, one `sync` of all its files and their directory, one `sha256sum`. */
async function fetchAll(folder: string): Promise<void> {
  const script = 'curl -s -f -K config && sync *.ndjson . && sha256sum --status -c SHA256SUMS'
  const child = spawn('sh', ['-c', script], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`curl ended with ${code}`)
}
