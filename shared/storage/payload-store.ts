import { readFileSync, statSync } from 'node:fs'
import { opendir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../crypto/digest.ts'
import { WaybillError } from '../service/errors.ts'
import { digestOfFile, ensureDirectory, syncPath } from './durable-file.ts'
import { Receiving } from './receiving.ts'

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
    return join(this.#directory, digest)
  }

  async has(digest: string): Promise<boolean> {
    return sizeOf(this.pathOf(digest)) !== undefined
  }

  /** Bytes of a receive that was broken off; 0 where there is none. */
  async partial(digest: string): Promise<number> {
    return sizeOf(`${this.pathOf(digest)}.part`) ?? 0
  }

  /** Stores own bytes: one of several payloads that are durable after `sync`. @throws as `receive` */
  async put(bytes: Uint8Array): Promise<{ digest: string; size: number }> {
    const digest = sha256(bytes)
    await this.take(digest, bytes.length, 0, [bytes])
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
    await this.take(digest, size, offset, source)
    await this.sync()
  }

  /** Receives one of several payloads: the bytes are durable, and their name is after `sync`. @throws as `receive` */
  async take(
    digest: string,
    size: number,
    offset: number,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const release = await this.#claim(digest)
    try {
      if (await this.#isWhole(digest, size)) await syncPath(this.pathOf(digest))
      else await this.#receive(new Receiving(this.pathOf(digest), { digest, size }, offset), source)
    } finally {
      release()
    }
  }

  /**
   * Begins to receive a payload, when nobody else receives the same. What was finished is durable after `sync`, many at once.
   * @throws DIGEST_MISMATCH when the bytes to go on from are gone
   */
  async begin(digest: string, size: number, offset: number): Promise<Receiving> {
    const release = await this.#claim(digest)
    try {
      return new Receiving(this.pathOf(digest), { digest, size }, offset, release)
    } catch (error) {
      release()
      throw error
    }
  }

  /** The names that were given survive a power cut after this. */
  async sync(): Promise<void> {
    await syncPath(this.#directory)
  }

  /** The stored bytes; read at once: hops to other threads and back cost more than these few bytes. @throws NOT_FOUND */
  async read(digest: string): Promise<Buffer> {
    try {
      return readFileSync(this.pathOf(digest))
    } catch (cause) {
      throw new WaybillError('NOT_FOUND', `payload ${digest} is not stored here`, { cause })
    }
  }

  /** Removes a payload and what was begun of it; does nothing where there is none. */
  async remove(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true })
    await rm(`${this.pathOf(digest)}.part`, { force: true })
  }

  /** The digest of each payload that is here, whole or begun; of one that is both, twice. */
  async *digests(): AsyncGenerator<string> {
    const directory = await opendir(this.#directory).catch(() => [])
    for await (const { name } of directory) {
      const digest = /^([0-9a-f]{64})(\.part)?$/.exec(name)?.[1]
      if (digest !== undefined) yield digest
    }
  }

  /** Removes what nothing refers to, as a crash leaves it. Call it while nothing is received. */
  async sweep(isKept: (digest: string) => boolean): Promise<void> {
    const names = await readdir(this.#directory).catch(() => [])
    for (const name of names) {
      const digest = /^([0-9a-f]{64})(\.part)?$/.exec(name)?.[1]
      if (digest !== undefined && !isKept(digest)) await this.remove(digest)
    }
  }

  async #isWhole(digest: string, size: number): Promise<boolean> {
    if (!(await this.has(digest))) return false
    const stored = await digestOfFile(this.pathOf(digest))
    return stored.digest === digest && stored.size === size
  }

  async #receive(receiving: Receiving, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of source) receiving.write(chunk)
    } catch (error) {
      receiving.abandon()
      throw error
    }
    await receiving.finish()
  }

  /** @returns what gives the payload's place to the next who waits */
  async #claim(digest: string): Promise<() => void> {
    this.pathOf(digest)
    await this.#prepare()
    for (let other = this.#receiving.get(digest); other; other = this.#receiving.get(digest)) await other
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#receiving.set(digest, promise)
    return () => {
      this.#receiving.delete(digest)
      resolve()
    }
  }

  async #prepare(): Promise<void> {
    this.#ready ??= ensureDirectory(this.#directory)
    try {
      await this.#ready
    } catch (error) {
      this.#ready = undefined
      throw error
    }
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}
