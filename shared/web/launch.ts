import { randomBytes } from 'node:crypto'
import { readdir, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../crypto/digest.ts'
import { writeDurably } from '../storage/durable-file.ts'

/** A launch token is good for this long and for one use; another can always be made. */
const goodForMs = 10 * 60_000

/** Makes a one-time launch token for the program that runs on this data directory. Only its digest is stored. */
export async function issueLaunch(data: string): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  await writeDurably(join(data, 'launches', sha256(token)), '', 0o600)
  return token
}

/** Takes a launch token: true once, for whoever unlinks it first. */
export async function redeemLaunch(data: string, token: string, now: Date): Promise<boolean> {
  await sweep(join(data, 'launches'), now)
  try {
    await unlink(join(data, 'launches', sha256(token)))
    return true
  } catch {
    return false
  }
}

/** Both too old and from the future: the clock may have been set back. */
async function sweep(directory: string, now: Date): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names) {
    const made = await stat(join(directory, name)).catch(() => undefined)
    if (made && Math.abs(now.getTime() - made.mtimeMs) > goodForMs) await rm(join(directory, name), { force: true })
  }
}
