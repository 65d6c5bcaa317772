import { closeSync, fsync, ftruncateSync, openSync, renameSync, rmSync, statSync, writeSync, writevSync } from 'node:fs'
import { promisify } from 'node:util'
import { WaybillError } from '../service/errors.ts'
import { digestOfDescriptor } from './durable-file.ts'

const gatherBytes = 256 * 1024
const reachDisk = promisify(fsync)

/**
 * A payload on its way in: written beside its place, and given its name when the disk holds all of it and it hashes to that name.
 * Only what waits for the disk gives way to other work: a hop to another thread costs more than to write these few bytes does.
 */
export class Receiving {
  readonly #path: string
  readonly #expected: { digest: string; size: number }
  readonly #file: number
  readonly #ended: () => void
  #gathered: Uint8Array[] = []
  #waiting = 0
  #end: number

  /**
   * @param ended called once, when it is whole or given up
   * @throws DIGEST_MISMATCH when the bytes to go on from are gone: it is fetched again from the first
   */
  constructor(
    path: string,
    expected: { digest: string; size: number },
    offset: number,
    ended: () => void = () => undefined,
  ) {
    this.#path = path
    this.#expected = expected
    this.#end = offset
    this.#ended = ended
    this.#file = openPart(this.#part, offset)
  }

  /** Takes what comes next. @throws TOO_LARGE, DISK_FULL, STORAGE_FAILED; then it is to be abandoned */
  write(chunk: Uint8Array): void {
    const { size } = this.#expected
    if (this.#end + this.#waiting + chunk.length > size)
      throw new WaybillError('TOO_LARGE', `more than the declared ${size} bytes came`)
    this.#gathered.push(chunk)
    this.#waiting += chunk.length
    if (this.#waiting >= Math.min(gatherBytes, size - this.#end)) this.#flush()
  }

  /**
   * Makes the bytes survive a power cut, hashes what the disk holds, and gives it its name; the name survives after
   * `PayloadStore.sync`.
   * @throws PEER_UNREACHABLE when bytes are missing (what came is kept), DIGEST_MISMATCH (it is dropped)
   */
  async finish(): Promise<void> {
    const { digest, size } = this.#expected
    try {
      this.#flush()
      await reachDisk(this.#file)
      if (this.#end < size)
        throw new WaybillError('PEER_UNREACHABLE', `the payload broke off at ${this.#end} of ${size} bytes`)
      const stored = digestOfDescriptor(this.#file)
      if (stored.digest !== digest || stored.size !== size) {
        rmSync(this.#part, { force: true })
        throw new WaybillError('DIGEST_MISMATCH', `stored payload ${digest} does not hash to its name`)
      }
      renameSync(this.#part, this.#path)
    } finally {
      this.#close()
    }
  }

  /** The source broke: what came is kept for the next try. */
  abandon(): void {
    try {
      this.#flush()
    } catch {
      // The disk that takes nothing more has told so before.
    } finally {
      this.#close()
    }
  }

  get #part(): string {
    return `${this.#path}.part`
  }

  /** A disk that fills up takes a part of what is given and says so only by the count; the next write fails. */
  #flush(): void {
    const parts = this.#gathered
    const total = this.#waiting
    this.#gathered = []
    this.#waiting = 0
    if (total === 0) return
    let done = writevSync(this.#file, parts, this.#end)
    this.#end += done
    if (done === total) return
    for (const all = Buffer.concat(parts); done < total; ) {
      const written = writeSync(this.#file, all, done, total - done, this.#end)
      done += written
      this.#end += written
    }
  }

  #close(): void {
    try {
      closeSync(this.#file)
    } finally {
      this.#ended()
    }
  }
}

function openPart(part: string, offset: number): number {
  if (offset === 0) return openSync(part, 'w+', 0o640)
  if ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) < offset)
    throw new WaybillError('DIGEST_MISMATCH', `the ${offset} bytes to go on from are not here`)
  const file = openSync(part, 'r+')
  ftruncateSync(file, offset)
  return file
}
