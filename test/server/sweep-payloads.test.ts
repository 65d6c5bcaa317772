import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bringing } from '../../server/bringing.ts'
import { PayloadSweep } from '../../server/sweep-payloads.ts'
import { sha256 } from '../../shared/crypto/digest.ts'
import { createLogger } from '../../shared/service/logger.ts'
import { frameOf } from '../fixtures/craft-batch.ts'
import { cannotKillAt, killedAt } from '../fixtures/killed-at.ts'
import { startMortal } from '../fixtures/mortal-server.ts'
import { TestServer, Visitor } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(120_000)

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const lap = await study.enrol('field', 'lap-01')
  const server = await TestServer.start(t, study.server)
  await server.as(lap).meet()
  const directory = join(study.server.data, 'payloads')
  const named = () =>
    server.sql<{ digest: string }>('SELECT payload_digest digest FROM batches').map(({ digest }) => digest)
  return { study, lap, server, directory, named, files: () => readdirSync(directory).sort() }
}

t.test('what no batch refers to goes at the next start, a broken-off receive too; everything else stays', async (t) => {
  const { lap, server, directory, named, files } = await begin(t)
  for (const batch of await (await server.laptop(lap)).batches(3)) await server.as(lap).push(batch)
  await server.settled()
  await server.stop()
  const orphan = sha256('an orphan')
  for (const name of [orphan, `${sha256('begun')}.part`, `${named()[0]}.part`, 'README'])
    writeFileSync(join(directory, name), 'x')
  await server.start()
  await until('they are gone', () => files().length === 5)
  t.same(files(), [...named(), `${named()[0]}.part`, 'README'].sort(), 'what has a batch stays, and what is no payload')
  t.equal(await server.verify(), 3)
})

t.test('what is being brought when it is looked at is left, and so is what came since', async (t) => {
  const { lap, server, directory, files } = await begin(t)
  const [brought, since] = [sha256('brought'), sha256('since')]
  await server.as(lap).push(...((await (await server.laptop(lap)).batches(1)) as [never]))
  await server.stop()
  await server.opened(async (opened) => {
    for (const name of [brought, since]) writeFileSync(join(directory, name), 'x')
    const sweep = await PayloadSweep.begin({ ...opened, logger: createLogger('server', 'silent') })
    bringing.begin(join(directory, brought))
    sweep.start()
    opened.store.$client
      .prepare(
        `INSERT INTO batches (manifest_digest, manifest, producer, chain, seq, payload_digest, payload_size, changes, custody, ingested_at, state)
         SELECT 'another', manifest, producer, 'other', seq, ?, payload_size, changes, custody, ingested_at, state FROM batches LIMIT 1`,
      )
      .run(since)
    writeFileSync(join(directory, sha256('later')), 'x')
    const left = opened.store.$client.prepare('SELECT count(*) FROM temp.stored_payloads').pluck()
    await until('all of them are looked at', () => left.get() === 0)
    await sweep.stop()
    t.same(
      [brought, since].map((name) => existsSync(join(directory, name))),
      [true, true],
    )
    const again = await PayloadSweep.begin({ ...opened, logger: createLogger('server', 'silent') })
    again.start()
    await until('the later one is gone', () => !existsSync(join(directory, sha256('later'))))
    await again.stop()
    bringing.keep(join(directory, brought))
    bringing.end(join(directory, brought))
  })
  t.equal(files().length, 3)
  t.ok(files().includes(brought) && files().includes(since))
})

t.test('killed between the fsync of a payload and the commit', { skip: cannotKillAt() ?? false }, async (t) => {
  const { study, lap, server, named, files } = await begin(t)
  await server.stop()
  let orphans = 0
  // Each thread counts its own calls: the start alone takes a dozen, then payloads are written by several.
  for (let n = 14; n < 20 && orphans === 0; n += 1) {
    const mortal = await startMortal(t, study.server, killedAt(n))
    if (mortal.port !== 0) {
      const direct = new Visitor(lap, mortal.port)
      const laptop = await server.laptop(lap)
      const frames = (await laptop.batches(100)).map((batch) => frameOf(batch))
      await direct.frames(...frames).catch(() => undefined)
      await direct.close()
    }
    await mortal.end()
    orphans = files().filter((name) => !named().includes(name)).length
  }
  t.ok(orphans > 0, `${orphans} files were left behind`)
  await server.start()
  await until('they are gone', () => files().every((name) => named().includes(name)))
  await server.settled()
  t.equal(await server.verify(), named().length)
})
