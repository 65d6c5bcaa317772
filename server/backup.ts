import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile, syncPath } from '../shared/storage/durable-file.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import type { ServerStore } from './open-store.ts'

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

const pageSteps = 1000

/**
 * Makes a consistent copy while the server runs: database, study documents, device and keys under `to/NUMBER`, payloads in
 * `to/payloads`, which the next backup shares. Only when the copy was read back and found whole does it count: then `safeThrough`
 * grows to what is in it, and laptops may one day delete theirs (invariant 1).
 * @param progress called with batches checked, of how many
 * @throws STORAGE_FAILED or DIGEST_MISMATCH when the copy is not whole; nothing counts then
 */
export async function backUp(
  context: BackupContext,
  to: string,
  progress: (done: number, of: number) => void,
): Promise<Backup> {
  const { data, store, payloads, clock } = context
  const number = await nextNumber(to)
  const making = join(to, `${number}.making`)
  await rm(making, { recursive: true, force: true })
  await mkdir(join(making, 'study-documents'), { recursive: true, mode: 0o700 })
  await store.$client.backup(join(making, 'waybill.sqlite'), { progress: () => pageSteps })
  await copyFiles(data, making)
  const copy = new Database(join(making, 'waybill.sqlite'), { fileMustExist: true })
  try {
    checkDatabase(copy)
    const batches = await copyPayloads(copy, payloads, new PayloadStore(join(to, 'payloads')), progress)
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

async function nextNumber(to: string): Promise<string> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  const names = (await readdir(to)).map((name) => Number(/^(\d{6})(\.making)?$/.exec(name)?.[1] ?? 0))
  return String(Math.max(0, ...names) + 1).padStart(6, '0')
}

async function copyFiles(data: string, making: string): Promise<void> {
  await copyFile(join(data, 'identity.json'), join(making, 'identity.json'))
  for (const name of await readdir(join(data, 'study-documents')))
    if (name.endsWith('.jws'))
      await copyFile(join(data, 'study-documents', name), join(making, 'study-documents', name))
}

function checkDatabase(copy: Database.Database): void {
  const [first] = copy.pragma('integrity_check', { simple: false }) as Array<{ integrity_check: string }>
  if (first?.integrity_check !== 'ok')
    throw new WaybillError('STORAGE_FAILED', `the copied database is not whole: ${first?.integrity_check}`)
}

/** Every payload that the copied database names, read back from the backup's own disk. */
async function copyPayloads(
  copy: Database.Database,
  from: PayloadStore,
  to: PayloadStore,
  progress: (done: number, of: number) => void,
): Promise<number> {
  const { of } = copy.prepare<[], { of: number }>('SELECT count(*) of FROM batches').get() ?? { of: 0 }
  const next = copy.prepare<[number], { ordinal: number; manifest: string }>(
    'SELECT ordinal, manifest FROM batches WHERE ordinal > ? ORDER BY ordinal LIMIT 1',
  )
  let done = 0
  for (let row = next.get(0); row; row = next.get(row.ordinal)) {
    const { payload } = readDocument(row.manifest, 'manifest').document
    if (!(await to.has(payload.digest)))
      await to.receive(payload.digest, payload.size, 0, [await from.read(payload.digest)])
    else await checkStoredFile(to.pathOf(payload.digest), payload)
    done += 1
    progress(done, of)
  }
  return done
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
