import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WaybillError } from '../service/errors.ts'
import { checkStoredFile, digestOfFile, ensureDirectory, syncPath } from './durable-file.ts'

const gatherBytes = 256 * 1024

/**
 * Sealed payloads, one file each, named by the digest of its bytes. What is here under its name was written, fsynced and
 * hashed again from disk (house rule 2). No name from outside reaches the disk but as 64 hex digits.
 */
export class PayloadStore {
  readonly #directory: string
  #ready: Promise<void> | undefined
  /** Two couriers may bring the same bytes at once: one file is written by one of them at a time. */
  readonly #receiving = new Map<string, Promise<void>>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Where the payload is, or would be. @throws BAD_REQUEST for what is no digest */
  pathOf(digest: string): string {
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new WaybillError('BAD_REQUEST', 'not a payload digest')
    return join(this.#directory, digest.slice(0, 2), digest)
  }

  async has(digest: string): Promise<boolean> {
    return (await sizeOf(this.pathOf(digest))) !== undefined
  }

  /** Bytes of a receive that was broken off; 0 where there is none. */
  async partial(digest: string): Promise<number> {
    return (await sizeOf(`${this.pathOf(digest)}.part`)) ?? 0
  }

  /** Stores own bytes durably. */
  async put(bytes: Uint8Array): Promise<{ digest: string; size: number }> {
    const digest = createHash('sha256').update(bytes).digest('hex')
    await this.receive(digest, bytes.length, 0, [bytes])
    return { digest, size: bytes.length }
  }

  /**
   * Receives a payload from `offset` on: appends, fsyncs, hashes what the disk holds, and only then gives it its name.
   * When the source breaks, the part stays for the next try. What is here already is hashed again, and replaced if the disk lost it.
   * @throws TOO_LARGE, DIGEST_MISMATCH (the part is dropped), and what the source throws
   */
  async receive(
    digest: string,
    size: number,
    offset: number,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const before = this.#receiving.get(digest) ?? Promise.resolve()
    const receiving = before.catch(() => undefined).then(() => this.#receive(digest, size, offset, source))
    this.#receiving.set(digest, receiving)
    try {
      await receiving
    } finally {
      if (this.#receiving.get(digest) === receiving) this.#receiving.delete(digest)
    }
  }

  async #receive(
    digest: string,
    size: number,
    offset: number,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const path = this.pathOf(digest)
    if ((await this.has(digest)) && (await isWhole(path, { digest, size }))) return
    await this.#prepare()
    const part = `${path}.part`
    await append(part, size, offset, source)
    try {
      await checkStoredFile(part, { digest, size })
    } catch (error) {
      if (error instanceof WaybillError) await rm(part, { force: true })
      throw error
    }
    await rename(part, path)
    await syncPath(dirname(path))
  }

  /** The stored bytes. @throws NOT_FOUND */
  async read(digest: string): Promise<Buffer> {
    try {
      return await readFile(this.pathOf(digest))
    } catch (cause) {
      throw new WaybillError('NOT_FOUND', `payload ${digest} is not stored here`, { cause })
    }
  }

  /** Removes a payload and what was begun of it; does nothing where there is none. */
  async remove(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true })
    await rm(`${this.pathOf(digest)}.part`, { force: true })
  }

  /** Removes what nothing refers to, as a crash leaves it. Call it while nothing is received. */
  async sweep(isKept: (digest: string) => boolean): Promise<void> {
    const names = await readdir(this.#directory, { recursive: true }).catch(() => [])
    for (const name of names) {
      const digest = /^[0-9a-f]{2}\/([0-9a-f]{64})(\.part)?$/.exec(name)?.[1]
      if (digest !== undefined && !isKept(digest)) await this.remove(digest)
    }
  }

  /** All directories at once: made durable by one fsync, not one by one as payloads come. */
  async #prepare(): Promise<void> {
    this.#ready ??= this.#makeDirectories()
    try {
      await this.#ready
    } catch (error) {
      this.#ready = undefined
      throw error
    }
  }

  async #makeDirectories(): Promise<void> {
    await ensureDirectory(this.#directory)
    const names = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, '0'))
    const make = (name: string) => mkdir(join(this.#directory, name), { recursive: true, mode: 0o750 })
    await Promise.all(names.map(make))
    await syncPath(this.#directory)
  }
}

async function append(
  part: string,
  size: number,
  offset: number,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const file = await openPart(part, offset)
  try {
    await file.truncate(offset)
    let end = offset
    for await (const chunk of gathered(source, size - offset)) {
      if (end + chunk.length > size) throw new WaybillError('TOO_LARGE', `more than the declared ${size} bytes came`)
      await writeAll(file, chunk, end)
      end += chunk.length
    }
    if (end < size) throw new WaybillError('PEER_UNREACHABLE', `the payload broke off at ${end} of ${size} bytes`)
  } finally {
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

/**
 * Small chunks cost a write each: they are written together. What came before the source broke is written as well, and nothing
 * waits when all `expected` bytes are there.
 */
async function* gathered(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected: number,
): AsyncGenerator<Uint8Array> {
  let [parts, size, left] = [[] as Uint8Array[], 0, expected]
  try {
    for await (const chunk of source) {
      parts.push(chunk)
      size += chunk.length
      if (size < Math.min(gatherBytes, left)) continue
      yield Buffer.concat(parts)
      ;[parts, size, left] = [[], 0, left - size]
    }
  } catch (error) {
    yield Buffer.concat(parts)
    throw error
  }
  if (size > 0) yield Buffer.concat(parts)
}

/** @throws DIGEST_MISMATCH when the bytes to go on from are gone: it is fetched again from the first */
async function openPart(part: string, offset: number): Promise<FileHandle> {
  if (offset === 0) return open(part, 'w', 0o640)
  if (((await sizeOf(part)) ?? 0) < offset)
    throw new WaybillError('DIGEST_MISMATCH', `the ${offset} bytes to go on from are not here`)
  return open(part, 'r+')
}

/** A disk that fills up takes a part of what is given and says so only by the count; the next write fails. */
async function writeAll(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; )
    done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten
}

async function isWhole(path: string, expected: { digest: string; size: number }): Promise<boolean> {
  const stored = await digestOfFile(path)
  return stored.digest === expected.digest && stored.size === expected.size
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch {
    return undefined
  }
}
