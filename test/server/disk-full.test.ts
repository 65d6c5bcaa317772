import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readIdentity } from '../../shared/crypto/identity.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { type CraftedBatch, changeLine } from '../fixtures/craft-batch.ts'
import { run } from '../fixtures/hotspot-command.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

/** Why no small disk can be made here; false where it can. */
function whyNoDisk(): string | false {
  if (process.getuid?.() !== 0) return 'a disk that fills up needs root: run this test with sudo'
  return spawnSync('mount', ['--version']).error ? 'not installed: mount' : false
}

t.test(
  'invariant 4: on a full disk nothing is signed for that is not stored, and it goes on when there is room',
  { skip: whyNoDisk() },
  async (t) => {
    const study = await foundTestStudy()
    t.teardown(() => study.dispose())
    const lap = await study.enrol('field', 'lap-01')
    const disk = join(study.directory, 'disk')
    mkdirSync(disk)
    run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk])
    t.teardown(() => run('umount', [disk]))
    const data = join(disk, 'server')
    cpSync(study.server.data, data, { recursive: true })
    const server = await TestServer.start(t, { ...study.server, data, identity: readIdentity(data) })
    const laptop = await server.laptop(lap)
    const visitor = server.as(lap)
    await visitor.push(await laptop.batch([]))
    await server.settled()

    const ballast = join(disk, 'ballast')
    const leave = (kibibytes: number) => {
      rmSync(ballast, { force: true })
      const { bavail, bsize } = statfsSync(disk)
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - kibibytes * 1024)))
    }
    const all: CraftedBatch[] = []
    const signed = new Map<string, string>()
    for (const kibibytes of [0, 4, 16, 64, 96, 128, 192, 256, 400]) {
      const scan = randomBytes(48_000).toString('base64')
      const batch = await laptop.batch([changeLine({ id: `scan-${kibibytes}`, fields: { scan } })])
      all.push(batch)
      leave(kibibytes)
      try {
        signed.set(batch.digest, await visitor.push(batch))
      } catch (error) {
        t.equal(error instanceof WaybillError && error.code, 'DISK_FULL', `with ${kibibytes} KiB left it says so`)
        const held = server.sql('SELECT 1 FROM batches WHERE manifest_digest = ?', batch.digest)
        t.equal(held.length, 0, 'and holds nothing')
      }
    }
    t.ok(signed.size < all.length, `${signed.size} of ${all.length} were signed for`)
    rmSync(ballast)

    for (const batch of all) {
      const custody = await visitor.push(batch)
      t.equal(custody, signed.get(batch.digest) ?? custody, 'with room it is taken; what was signed for is here')
    }
    await server.settled()
    t.match(await visitor.delivery(laptop.chain), { through: all.length + 1, above: [] })
    t.equal((await server.feed()).length, all.length, 'invariant 2: each once')
    t.equal(await server.verify(), all.length + 1)
    await server.stop()
  },
)
