import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile, digestOfFile, ensureDirectory, syncPath } from '../shared/storage/durable-file.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { httpsRootFile } from './https-certificate.ts'
import { isLost } from './lost-payload.ts'
import type { ServerStore } from './open-store.ts'
import { ownChainFact } from './own-place.ts'

/** What backing up needs to know. */
export interface BackupContext {
  data: string
  store: ServerStore
  payloads: PayloadStore
  clock: Clock
}

/** A verified backup. */
export interface Backup {
  path: string
  batches: number
}

interface CopiedChain {
  producer: string
  chain: string
  through: number
}

const inOneStep = 0x7fffffff

/**
 * Makes a consistent copy while the server runs: database, study documents, device and keys under `to/NUMBER`, payloads in
 * `to/payloads`, which the next backup shares. Only when the copy was read back and found whole does it count: then `safeThrough`
 * grows to what is in it, and laptops may one day delete theirs (invariant 1).
 * @param progress called with batches checked, of how many
 * @throws STORAGE_FAILED or DIGEST_MISMATCH when the copy is not whole; nothing counts then; LOCKED while another backup runs
 */
export async function backUp(
  context: BackupContext,
  to: string,
  progress: (done: number, of: number) => void,
): Promise<Backup> {
  await ensureDirectory(to)
  const lock = lockDirectory(to)
  try {
    return await backUpAlone(context, to, progress)
  } finally {
    lock.close()
  }
}

async function backUpAlone(
  { data, store, payloads, clock }: BackupContext,
  to: string,
  progress: (done: number, of: number) => void,
): Promise<Backup> {
  const number = await nextNumber(to)
  const making = join(to, `${number}.making`)
  await mkdir(join(making, 'study-documents'), { recursive: true, mode: 0o700 })
  // In steps it would begin anew whenever the running server commits, and on a busy day never end.
  await store.$client.backup(join(making, 'waybill.sqlite'), { progress: () => inOneStep })
  await copyFiles(data, making)
  const copy = new Database(join(making, 'waybill.sqlite'), { fileMustExist: true })
  try {
    checkDatabase(copy)
    const batches = await copyPayloads(copy, payloads, new PayloadStore(join(to, 'payloads')), progress)
    copy.prepare('DELETE FROM facts WHERE key = ?').run(ownChainFact)
    copy.pragma('journal_mode = DELETE')
    const life = copy.prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'incarnation'").get()?.value
    const chains = copy.prepare<[], CopiedChain>('SELECT producer, chain, through FROM chains').all()
    copy.close()
    await syncTree(making)
    await rename(making, join(to, number))
    await syncPath(to)
    count(store, join(to, number), clock.now(), batches, chains, life)
    return { path: join(to, number), batches }
  } finally {
    copy.close()
  }
}

/** Two backups at once would write the same files. The lock is SQLite's: it ends with the process. @throws LOCKED */
function lockDirectory(to: string): Database.Database {
  const lock = new Database(join(to, 'backup.lock'), { timeout: 250 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    throw new WaybillError('LOCKED', `another backup to ${to} runs`, { cause })
  }
}

/** Above every number there is: what a backup that was broken off left stays aside. */
async function nextNumber(to: string): Promise<string> {
  const names = (await readdir(to)).map((name) => Number(/^(\d{6})(\.making)?$/.exec(name)?.[1] ?? 0))
  return String(Math.max(0, ...names) + 1).padStart(6, '0')
}

async function copyFiles(data: string, making: string): Promise<void> {
  await copyWhole(join(data, 'identity.json'), join(making, 'identity.json'))
  if (existsSync(join(data, httpsRootFile))) await copyWhole(join(data, httpsRootFile), join(making, httpsRootFile))
  for (const name of await readdir(join(data, 'study-documents')))
    if (name.endsWith('.jws'))
      await copyWhole(join(data, 'study-documents', name), join(making, 'study-documents', name))
}

async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  const [original, copied] = [await digestOfFile(from), await digestOfFile(to)]
  if (original.digest !== copied.digest) throw new WaybillError('DIGEST_MISMATCH', `${to} is not what ${from} is`)
}

function checkDatabase(copy: Database.Database): void {
  let found = ''
  try {
    found = String(copy.pragma('integrity_check(1)', { simple: true }))
  } catch (cause) {
    throw new WaybillError('STORAGE_FAILED', 'the copied database is not whole', { cause })
  }
  if (found !== 'ok') throw new WaybillError('STORAGE_FAILED', `the copied database is not whole: ${found}`)
}

/**
 * Every payload that the copied database names, read back from the backup's own disk. One that this server's disk lost before it was
 * opened is no loss of the backup: no receipt says that it is delivered.
 */
async function copyPayloads(
  copy: Database.Database,
  from: PayloadStore,
  to: PayloadStore,
  progress: (done: number, of: number) => void,
): Promise<number> {
  const { of } = copy.prepare<[], { of: number }>(`SELECT count(*) of FROM batches WHERE NOT (${isLost})`).get() ?? {
    of: 0,
  }
  const next = copy.prepare<[number], { ordinal: number; manifest: string }>(
    `SELECT ordinal, manifest FROM batches WHERE ordinal > ? AND NOT (${isLost}) ORDER BY ordinal LIMIT 1`,
  )
  let done = 0
  for (let row = next.get(0); row; row = next.get(row.ordinal)) {
    const { payload } = readDocument(row.manifest, 'manifest').document
    if (!(await isWhole(to.pathOf(payload.digest), payload)))
      await to.receive(payload.digest, payload.size, 0, [await from.read(payload.digest)])
    done += 1
    progress(done, of)
  }
  return done
}

/** What an earlier backup has, whole, is shared; what its disk damaged since is copied again. */
async function isWhole(path: string, payload: { digest: string; size: number }): Promise<boolean> {
  try {
    await checkStoredFile(path, payload)
    return true
  } catch (error) {
    if (error instanceof WaybillError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return false
    throw asWaybillError(error)
  }
}

async function syncTree(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (name.isFile()) await syncPath(join(name.parentPath, name.name))
  await syncPath(join(directory, 'study-documents'))
  await syncPath(directory)
}

/** One transaction. A server that was restored since the copy was made lives another life: the copy says nothing of it. */
function count(
  store: ServerStore,
  path: string,
  at: Date,
  batches: number,
  chains: CopiedChain[],
  life: string | undefined,
): void {
  const client = store.$client
  const grow = client.prepare(
    'UPDATE chains SET safe_through = ?, dirty = 1 WHERE producer = ? AND chain = ? AND safe_through < ? AND through >= ?',
  )
  client
    .transaction(() => {
      const now = client
        .prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'incarnation'")
        .get()?.value
      if (now !== life)
        throw new WaybillError('LOCKED', 'the server began another incarnation meanwhile; back up again')
      client.prepare('INSERT INTO backups (path, at, batches) VALUES (?, ?, ?)').run(path, at.toISOString(), batches)
      for (const { producer, chain, through } of chains) grow.run(through, producer, chain, through, through)
    })
    .immediate()
}
