import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { idHash } from '../../server/id-hash.ts'
import { provenanceOf } from '../../server/provenance.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { changeLine } from '../fixtures/craft-batch.ts'
import { refused, TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
const server = await TestServer.start(t, study.server)
const laptop = await server.laptop(lap)
const secret = 'INITIALS-ABC-1984-07-01'
const first = await laptop.batch([
  changeLine({ id: 'a', fields: { note: secret } }),
  `{"note":"${secret}"}`,
  changeLine({ id: 'b', fields: { note: secret } }),
])
const second = await laptop.batch([changeLine({ id: 'c', fields: { note: secret } })])
for (const batch of [first, second]) await server.as(lap).push(batch)
await server.settled()
const path = new PayloadStore(join(study.server.data, 'payloads')).pathOf(second.document.payload.digest)

const ids = async () => (await server.feed()).map(({ change }) => (change as { id: string }).id)

t.test('invariant 6: the feed tells what the changes say, and no file of the server does', async (t) => {
  const feed = await server.feed()
  t.same(
    feed.map(({ batch, producer }) => [batch, producer]),
    [first, first, second].map(({ digest }) => [digest, lap.device]),
  )
  t.match(feed[2]?.change, { id: 'c', fields: { note: secret } })
  const files = readdirSync(study.server.data, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  t.ok(files.some(({ name }) => name === 'waybill.sqlite-wal'))
  for (const { parentPath, name } of files) t.notOk(readFileSync(join(parentPath, name)).includes(secret), name)
})

t.test('a batch that the disk has lost or damaged since is named, and what comes before it is read', async (t) => {
  const sealed = readFileSync(path)
  rmSync(path)
  const lost = await refused(t, server.feed(), 'NOT_FOUND', 'lost')
  t.match(lost.message, second.digest)
  writeFileSync(path, Buffer.concat([sealed.subarray(0, -1), Buffer.from([(sealed.at(-1) ?? 0) ^ 1])]))
  const bent = await refused(t, server.feed(), 'DIGEST_MISMATCH', 'damaged')
  t.match(bent.message, second.digest)
  writeFileSync(path, sealed)
  t.same(await ids(), ['a', 'b', 'c'])
})

t.test('a place that leads to another line is an error, and not another change', async (t) => {
  for (const wrong of [2, 3, 9]) {
    server.sql('UPDATE changes SET number = ? WHERE position = 1', wrong)
    await refused(t, server.feed(), 'STORAGE_FAILED', `line ${wrong}`)
  }
  server.sql('UPDATE changes SET number = 1 WHERE position = 1')
  t.same(await ids(), ['a', 'b', 'c'])
})

t.test('two ids that hash alike are two changes', async (t) => {
  server.sql('UPDATE changes SET id_hash = ? WHERE position = 2', idHash('a'))
  const again = await laptop.batch([changeLine({ id: 'a', fields: { note: secret } }), changeLine({ id: 'a' })])
  await server.as(lap).push(again)
  await server.settled()
  t.same(await ids(), ['a', 'b', 'c', 'a'], 'a repeat merges, another content does not')
  const found = await server.opened((opened) => provenanceOf(opened, 'a'))
  t.same(
    found.map(({ change, batch }) => [change, batch]),
    [first, again].map(({ digest }) => ['a', digest]),
  )
  await refused(
    t,
    server.opened((opened) => provenanceOf(opened, 'b')),
    'NOT_FOUND',
    'found by its own id alone',
  )
})
