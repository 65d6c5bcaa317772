import { createHash, randomBytes } from 'node:crypto'
import { readSync } from 'node:fs'
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { WaybillError } from '../service/errors.ts'

/**
 * Writes a file so that after return it survives a power cut, whole, or is not there at all:
 * temporary file, fsync, rename, fsync of the directory (house rule 2).
 * @param mode permission bits of the file; secrets use 0o600
 */
export async function writeDurably(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  await throughTemporary(path, bytes, mode, (temporary) => rename(temporary, path))
}

/** Like `writeDurably`, but never replaces a file. @returns false when there is one, which stays as it is */
export async function writeOnce(path: string, bytes: Uint8Array | string, mode = 0o644): Promise<boolean> {
  let isFirst = true
  await throughTemporary(path, bytes, mode, async (temporary) => {
    isFirst = await isLinked(temporary, path)
  })
  return isFirst
}

async function isLinked(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function throughTemporary(
  path: string,
  bytes: Uint8Array | string,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  await ensureDirectory(dirname(path))
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await place(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncPath(dirname(path))
}

/** Makes what was written to this file, or renamed or removed in this directory, survive a power cut. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Creates the directory and its parents, durably; does nothing where it stands. */
export async function ensureDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o750 })
  if (first === undefined) return
  const parents = [dirname(first)]
  for (let created = dirname(resolve(directory)); created.length >= first.length; created = dirname(created))
    parents.push(created)
  for (const parent of parents) await syncPath(parent)
}

/**
 * Hashes what is really stored, by reading it again.
 * @returns sha-256 as 64 lowercase hex digits, and the size in bytes
 */
export async function digestOfFile(path: string): Promise<{ digest: string; size: number }> {
  const file = await open(path, 'r')
  try {
    return await digestOfHandle(file)
  } finally {
    await file.close()
  }
}

const scratch = Buffer.allocUnsafe(256 * 1024)

/** The same of a file that is open, at once: what was just written costs no wait. */
export function digestOfDescriptor(file: number): { digest: string; size: number } {
  const hash = createHash('sha256')
  for (let size = 0; ; ) {
    const bytesRead = readSync(file, scratch, 0, scratch.length, size)
    if (bytesRead === 0) return { digest: hash.digest('hex'), size }
    hash.update(scratch.subarray(0, bytesRead))
    size += bytesRead
  }
}

/** Throws DIGEST_MISMATCH unless the stored bytes are exactly these. */
export async function checkStoredFile(path: string, expected: { digest: string; size: number }): Promise<void> {
  const stored = await digestOfFile(path)
  if (stored.digest !== expected.digest || stored.size !== expected.size)
    throw new WaybillError('DIGEST_MISMATCH', `stored payload ${expected.digest} does not hash to its name`)
}

async function digestOfHandle(file: FileHandle): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(256 * 1024)
  let size = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size)
    if (bytesRead === 0) return { digest: hash.digest('hex'), size }
    hash.update(buffer.subarray(0, bytesRead))
    size += bytesRead
  }
}
