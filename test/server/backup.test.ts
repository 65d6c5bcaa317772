import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openServer } from '../../commands/open-server.ts'
import { type Backup, backUp } from '../../server/backup.ts'
import { verifyServer } from '../../server/verify.ts'
import { readIdentity } from '../../shared/crypto/identity.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { type CraftedBatch, changeLine } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const server = await TestServer.start(t, study.server)
  const to = join(study.directory, 'backups')
  const backup = () => makeBackup(server, to)
  return { study, lap, server, visitor: server.as(lap), laptop: await server.laptop(lap), to, backup }
}

async function makeBackup(server: TestServer, to: string): Promise<Backup> {
  const { data } = server.device
  const payloads = new PayloadStore(join(data, 'payloads'))
  return server.opened(({ store }) => backUp({ data, store, payloads, clock: systemClock }, to, () => undefined))
}

/** A new data directory from a backup, as a person would copy it. */
function restored(backup: Backup, to: string, at: string): string {
  cpSync(backup.path, at, { recursive: true })
  cpSync(join(to, 'payloads'), join(at, 'payloads'), { recursive: true })
  return at
}

async function verified(data: string): Promise<number> {
  const opened = await openServer(data)
  try {
    return await verifyServer(opened, () => undefined)
  } finally {
    opened.close()
  }
}

function payloadPath(server: TestServer, { document }: CraftedBatch): string {
  return new PayloadStore(join(server.device.data, 'payloads')).pathOf(document.payload.digest)
}

function damage(path: string): void {
  const bytes = readFileSync(path)
  const middle = Math.floor(bytes.length / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

t.test('invariant 1: `safeThrough` grows with a verified backup, to what is in it', async (t) => {
  const { server, visitor, laptop, backup, to } = await begin(t)
  const batches = await laptop.batches(5)
  for (const index of [0, 1, 3]) await visitor.push(batches[index] as CraftedBatch)
  await server.settled()
  t.match(await visitor.delivery(laptop.chain), { through: 2, safeThrough: 0 }, 'delivered is not safe')
  t.match(await backup(), { path: join(to, '000001'), batches: 3 })
  t.match(await visitor.delivery(laptop.chain), { through: 2, above: [[4, 4, String]], safeThrough: 2 })
  await visitor.push(batches[2] as CraftedBatch)
  await server.settled()
  t.match(await visitor.delivery(laptop.chain), { through: 4, safeThrough: 2 }, 'what came since is not in it')
  t.match(await backup(), { path: join(to, '000002'), batches: 4 })
  t.match(await visitor.delivery(laptop.chain), { through: 4, safeThrough: 4 })
  t.equal((await server.status()).lastBackup?.path, join(to, '000002'))
  const root = (data: string) => readFileSync(join(data, 'https-root.pem'), 'utf8')
  t.equal(root(join(to, '000002')), root(server.device.data), 'what browsers trust stays good after a restore')
})

t.test('a backup is consistent, and ends, while the server takes in', async (t) => {
  const { study, server, visitor, laptop, backup, to } = await begin(t)
  const large = Array.from({ length: 6 }, (_, index) =>
    changeLine({ id: `large-${index}`, fields: { scan: randomBytes(600_000).toString('hex') } }),
  )
  for (const line of large) await visitor.push(await laptop.batch([line]))
  await server.settled()
  server.sql("INSERT INTO facts (key, value) VALUES ('ballast', hex(randomblob(4000000)))")
  const pages = server.sql<{ page_count: number }>('PRAGMA page_count')[0]?.page_count ?? 0
  t.ok(pages > 1500, `${pages} pages`)
  let copying = true
  let during = 0
  const busy = async () => {
    for (; copying; during += 1) await visitor.push((await laptop.batches(1))[0] as CraftedBatch)
  }
  const ingesting = busy()
  const made = await backup()
  copying = false
  await ingesting
  t.ok(during > 0, `${during} batches came meanwhile`)
  const data = restored(made, to, join(study.directory, 'restored'))
  t.equal(await verified(data), made.batches)
  await server.settled()
  const receipt = await visitor.delivery(laptop.chain)
  t.ok((receipt?.safeThrough ?? 0) >= 6 && (receipt?.safeThrough ?? 0) <= made.batches)
  t.equal(receipt?.through, 6 + during)
  t.equal(await server.verify(), 6 + during)
})

t.test('a damaged payload or database does not count', async (t) => {
  const { server, visitor, laptop, backup, to } = await begin(t)
  const [one, two] = (await laptop.batches(2)) as [CraftedBatch, CraftedBatch]
  await visitor.push(one)
  await server.settled()
  await backup()
  await visitor.push(two)
  await server.settled()
  damage(payloadPath(server, two))
  await refused(t, backup(), 'DIGEST_MISMATCH', 'a payload')
  t.match(await visitor.delivery(laptop.chain), { through: 2, safeThrough: 1 }, 'nothing has grown')
  t.equal((await server.status()).lastBackup?.path, join(to, '000001'))
  t.notOk(existsSync(join(to, '000002')), 'and nothing looks like a backup')
  damage(payloadPath(server, two))
  damage(join(server.device.data, 'study-documents', readdirSync(join(server.device.data, 'study-documents'))[0] ?? ''))
  t.match(await backup(), { batches: 2 }, 'healed, it counts')

  await server.stop()
  server.sql('PRAGMA wal_checkpoint(TRUNCATE)')
  const root = server.sql<{ rootpage: number }>("SELECT rootpage FROM sqlite_schema WHERE name = 'changes_by_id'")[0]
  const database = readFileSync(join(server.device.data, 'waybill.sqlite'))
  database.fill(0xff, ((root?.rootpage ?? 1) - 1) * 4096 + 8, (root?.rootpage ?? 1) * 4096)
  writeFileSync(join(server.device.data, 'waybill.sqlite'), database)
  const counted = server.sql('SELECT 1 FROM backups').length
  await refused(t, backup(), 'STORAGE_FAILED', 'a database')
  t.equal(server.sql('SELECT 1 FROM backups').length, counted)
})

t.test('the next backup shares payloads, and copies again what the disk of the backup damaged', async (t) => {
  const { study, server, visitor, laptop, backup, to } = await begin(t)
  const [one, two] = (await laptop.batches(2)) as [CraftedBatch, CraftedBatch]
  await visitor.push(one)
  await backup()
  const kept = new PayloadStore(join(to, 'payloads')).pathOf(one.document.payload.digest)
  const before = statSync(kept)
  await visitor.push(two)
  await server.settled()
  await backup()
  t.same([statSync(kept).ino, statSync(kept).mtimeMs], [before.ino, before.mtimeMs], 'not written twice')
  damage(kept)
  const made = await backup()
  t.equal(await verified(restored(made, to, join(study.directory, 'healed'))), 2)
})

t.test('what a broken-off backup left does not matter, and two at once do not meet', async (t) => {
  const { study, server, visitor, laptop, backup, to } = await begin(t)
  await visitor.push((await laptop.batches(1))[0] as CraftedBatch)
  await server.settled()
  mkdirSync(join(to, '000004.making'), { recursive: true })
  writeFileSync(join(to, '000004.making', 'waybill.sqlite'), 'half of it')
  const both = await Promise.allSettled([backup(), backup(), backup()])
  const made = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  t.same(made, [{ path: join(to, '000005'), batches: 1 }], 'one of them is made')
  for (const result of both) if (result.status === 'rejected') t.match(result.reason, { code: 'LOCKED' })
  t.equal(await verified(restored(made[0] as Backup, to, join(study.directory, 'r'))), 1)
  t.match(await backup(), { path: join(to, '000006') }, 'and then the next')
})

t.test('a payload that was lost before it was opened holds up no backup', async (t) => {
  const { server, visitor, laptop, backup } = await begin(t)
  const bad = await laptop.batch([], { payload: randomBytes(50) })
  const good = await laptop.batch([])
  await visitor.push(bad)
  await visitor.push(good)
  await server.settled()
  rmSync(payloadPath(server, bad))
  server.sql("UPDATE batches SET code = 'NOT_FOUND' WHERE manifest_digest = ?", bad.digest)
  t.match(await backup(), { batches: 1 })
  const lost = await laptop.batch([])
  await visitor.push(lost)
  await server.settled()
  rmSync(payloadPath(server, lost))
  await refused(t, backup(), 'NOT_FOUND', 'one that was opened does')
})

t.test('a server runs on from its backup, and what was lost since comes again', async (t) => {
  const { study, lap, server, visitor, laptop, batches, made, to } = await restorable(t)
  const { deliveries } = await visitor.meet()
  await server.stop()
  const data = restored(made, to, join(study.directory, 'second-life'))
  t.equal(await verified(data), 2)
  const again = await TestServer.start(t, { ...study.server, data, identity: readIdentity(data) })
  const back = again.as(lap)
  const answer = await back.meet({ deliveries })
  t.match(answer.incarnation, { number: 2 })
  t.match(await back.delivery(laptop.chain), { through: 2, safeThrough: 0 })
  for (const batch of batches) await back.push(batch)
  await again.settled()
  t.match(await back.delivery(laptop.chain), { through: 4, incarnation: { number: 2 } })
  t.equal((await again.feed()).length, 4, 'invariant 2: each once')
  t.equal(await again.verify(), 4)
  t.match(await makeBackup(again, to), { batches: 4 })
  t.match(await back.delivery(laptop.chain), { safeThrough: 4 })
})

async function restorable(t: Test) {
  const all = await begin(t)
  const batches = await all.laptop.batches(4)
  for (const batch of batches.slice(0, 2)) await all.visitor.push(batch)
  await all.server.settled()
  const made = await all.backup()
  for (const batch of batches.slice(2)) await all.visitor.push(batch)
  await all.server.settled()
  return { ...all, batches, made }
}
