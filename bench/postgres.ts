import { spawnSync } from 'node:child_process'
import { chmodSync, createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Plain } from './plain.ts'

const bin = '/usr/lib/postgresql/15/bin'
const user = 'postgres'
const table = `CREATE TABLE changes (position bigserial PRIMARY KEY, id text NOT NULL, digest text NOT NULL,
  producer text NOT NULL, manifest_digest text NOT NULL, model text NOT NULL, pk text NOT NULL, line text NOT NULL,
  UNIQUE (id, digest)); CREATE INDEX ON changes (model, pk)`
const copy = '\\copy changes (id, digest, producer, manifest_digest, model, pk, line) from'

/** A PostgreSQL of its own in a temporary directory, with Debian's settings (fsync on), on a unix socket only. */
export class Postgres {
  readonly #plain: Plain
  readonly #directory: string

  private constructor(plain: Plain, directory: string) {
    this.#plain = plain
    this.#directory = join(directory, 'postgres')
  }

  /** @returns undefined where there is no PostgreSQL 15 that this user may start */
  static start(plain: Plain, directory: string): Postgres | undefined {
    if (!existsSync(join(bin, 'postgres')) || !mayRunAs()) return undefined
    const postgres = new Postgres(plain, directory)
    mkdirSync(postgres.#directory)
    chmodSync(directory, 0o711)
    run(['chown', user, postgres.#directory])
    postgres.#as(`${bin}/initdb`, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-D', postgres.#data)
    const options = `-c listen_addresses= -c unix_socket_directories=${postgres.#directory}`
    postgres.#as(`${bin}/pg_ctl`, '-w', '-D', postgres.#data, '-l', `${postgres.#data}/log`, '-o', options, 'start')
    postgres.#sql(table)
    return postgres
  }

  /** @returns milliseconds of one COPY of the round's changes, with what identifies them and whence they come, committed */
  async measure(): Promise<number> {
    const rows = join(this.#directory, 'rows')
    await pipeline(Readable.from(rowsOf(this.#plain)), createWriteStream(rows))
    this.#sql('CHECKPOINT')
    const [, took] = /Time: ([0-9.]+) ms/.exec(this.#sql('\\timing on', `${copy} '${rows}'`)) ?? []
    return Number(took)
  }

  stop(): void {
    this.#as(`${bin}/pg_ctl`, '-w', '-D', this.#data, '-m', 'fast', 'stop')
  }

  get #data(): string {
    return join(this.#directory, 'data')
  }

  #sql(...commands: string[]): string {
    const each = commands.flatMap((command) => ['-c', command])
    return this.#as(`${bin}/psql`, '-X', '-v', 'ON_ERROR_STOP=1', '-h', this.#directory, '-d', 'postgres', ...each)
  }

  #as(...command: string[]): string {
    return run(process.getuid?.() === 0 ? ['runuser', '-u', user, '--', ...command] : command)
  }
}

function mayRunAs(): boolean {
  return process.getuid?.() !== 0 || spawnSync('id', [user]).status === 0
}

function run([command = '', ...args]: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: '/', encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** What `waybill changes` can tell, a row a change found by its id and by its record, in COPY's text format; Waybill leaves the text sealed. */
function* rowsOf(plain: Plain): Generator<string> {
  for (const laptop of plain.laptops)
    for (const line of readFileSync(plain.fileOf(laptop), 'utf8').trimEnd().split('\n')) {
      const { id, model, pk } = JSON.parse(line)
      const whence = [sha256(laptop).slice(0, 32), sha256(laptop)]
      yield `${[id, sha256(line), ...whence, model, pk, escaped(line)].join('\t')}\n`
    }
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\')
}
