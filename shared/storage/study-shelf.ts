import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentDigest } from '../crypto/sign-document.ts'
import type { Trust, Verified } from '../crypto/trust.ts'
import type { StudyDocument } from '../protocol/study-document.ts'
import { WaybillError } from '../service/errors.ts'
import { ensureDirectory, writeDurably, writeOnce } from './durable-file.ts'

/** What became of a study document that was shown. */
export type Taken = 'newer' | 'same' | 'older'

/**
 * Every version of the study document that this node has taken, as files. An older one is never taken, and the same
 * version with other content alarms. Other programs on the directory may add a version at any time.
 */
export class StudyShelf {
  readonly #directory: string
  readonly #trust: Trust
  #current: Verified<'study'>

  private constructor(directory: string, trust: Trust, current: Verified<'study'>) {
    this.#directory = directory
    this.#trust = trust
    this.#current = current
  }

  /** Opens the shelf of a data directory. @throws DATA_MISSING when it is empty */
  static async open(data: string, trust: Trust): Promise<StudyShelf> {
    const directory = join(data, 'study-documents')
    await ensureDirectory(directory)
    const current = await newest(directory, trust)
    if (!current) throw new WaybillError('DATA_MISSING', `${directory} holds no study document`)
    return new StudyShelf(directory, trust, current)
  }

  /** Stores a first or next version without opening the shelf; for those who just signed or received it. */
  static async put(data: string, document: { jws: string; version: number }): Promise<void> {
    await writeDurably(join(data, 'study-documents', fileName(document.version)), document.jws)
  }

  /** Stores a next version that was signed here. @returns false when another program has stored that version */
  static async add(data: string, document: { jws: string; version: number }): Promise<boolean> {
    return writeOnce(join(data, 'study-documents', fileName(document.version)), document.jws)
  }

  /** The version in force. */
  get document(): StudyDocument {
    return this.#current.document
  }

  get jws(): string {
    return this.#current.jws
  }

  get digest(): string {
    return this.#current.digest
  }

  /** Looks whether another program has added a version. */
  async refresh(): Promise<void> {
    if (newestName(this.#directory) === fileName(this.document.version)) return
    const found = await newest(this.#directory, this.#trust)
    // Another look may have found a newer one meanwhile.
    if (found && found.document.version > this.document.version) this.#current = found
  }

  /** The version that a batch names; undefined where this node never had it. */
  async version(version: number): Promise<StudyDocument | undefined> {
    if (version === this.document.version) return this.document
    const jws = read(join(this.#directory, fileName(version)))
    return jws === undefined ? undefined : (await this.#trust.verify(jws, 'study')).document
  }

  /**
   * Takes a shown document if it is newer. Of two that come at once, one is on the shelf before the other is compared with it.
   * @throws STUDY_CONFLICT, and what Trust.verify throws
   */
  async take(jws: string): Promise<Taken> {
    const shown = await this.#trust.verify(jws, 'study')
    const { version } = shown.document
    await this.refresh()
    if (version < this.document.version) return 'older'
    const isFirst = version > this.document.version && (await writeOnce(join(this.#directory, fileName(version)), jws))
    await this.refresh()
    if (isFirst) return 'newer'
    if (this.#digestOf(version) !== shown.digest)
      throw new WaybillError('STUDY_CONFLICT', `two study configurations claim version ${version}`)
    return 'same'
  }

  #digestOf(version: number): string | undefined {
    if (version === this.document.version) return this.digest
    const jws = read(join(this.#directory, fileName(version)))
    return jws === undefined ? undefined : documentDigest(jws)
  }
}

function fileName(version: number): string {
  return `${String(version).padStart(10, '0')}.jws`
}

async function newest(directory: string, trust: Trust): Promise<Verified<'study'> | undefined> {
  const name = newestName(directory)
  return name === undefined ? undefined : trust.verify(readFileSync(join(directory, name), 'utf8'), 'study')
}

function newestName(directory: string): string | undefined {
  const names = readdirSync(directory).filter((name) => /^\d{10}\.jws$/.test(name))
  return names.sort().at(-1)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
