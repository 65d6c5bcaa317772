import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { Decrypter } from 'age-encryption'
import t, { type Test } from 'tap'
import { sealBatches } from '../../daemon/seal.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { change, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy } from '../fixtures/study.ts'

/** A laptop whose batches hold two changes, with so many of them in its outbox. */
async function begin(t: Test, changes: number) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const small = await study.publish(({ limits }) => ({ limits: { ...limits, batchChanges: 2 } }))
  await laptop.told(study.server, { studyDocument: small })
  await laptop.record(...some(0, changes))
  return { study, laptop }
}

function some(from: number, to: number): object[] {
  return Array.from({ length: to - from }, (_, index) =>
    change(`c-${from + index}`, { fields: { note: 'élan 漢字 😀' } }),
  )
}

/** What the server finds in the batches, in their order. */
async function idsSealed({ server }: Awaited<ReturnType<typeof foundTestStudy>>, laptop: TestLaptop) {
  const opener = new Decrypter()
  opener.addIdentity(server.identity.secrets.sealing ?? '')
  const ids: string[] = []
  for (const { payload } of laptop.batches()) {
    const plain = zstdDecompressSync(await opener.decrypt(await laptop.payloads.read(payload))).toString()
    const lines = plain.trimEnd().split('\n').slice(1)
    ids.push(
      ...lines.map((line) => JSON.parse(line)).map(({ id, fields }) => (fields.note === 'élan 漢字 😀' ? id : '?')),
    )
  }
  return ids
}

function ids(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `c-${from + index}`)
}

function files({ device }: TestLaptop): number {
  const directory = join(device.data, 'payloads')
  return existsSync(directory) ? readdirSync(directory).length : 0
}

/** A store in which something happens before the n-th payload is stored, and before each after it. */
class Disturbed extends PayloadStore {
  #puts = 0
  readonly #at: number
  readonly #disturb: () => void

  constructor(laptop: TestLaptop, at: number, disturb: () => void) {
    super(join(laptop.device.data, 'payloads'))
    this.#at = at
    this.#disturb = disturb
  }

  override put(bytes: Uint8Array) {
    this.#puts += 1
    if (this.#puts >= this.#at) this.#disturb()
    return super.put(bytes)
  }
}

function noRoom(): never {
  throw new WaybillError('DISK_FULL', 'no room')
}

t.test(
  'invariant 2: batches that are sealed together follow each other, and hold each change once, in order',
  async (t) => {
    const { study, laptop } = await begin(t, 27)
    t.equal(await sealBatches(laptop.sealing, true), 13, 'what fills no batch can wait')
    t.equal(laptop.count('outbox'), 1)
    t.equal(await sealBatches(laptop.sealing, true), 0)
    t.equal(await sealBatches(laptop.sealing), 1)
    t.same(await idsSealed(study, laptop), ids(0, 27))
    const manifests = laptop.manifests()
    t.same(
      manifests.map(({ seq, previous }) => [seq, previous]),
      laptop.batches().map((_, index, all) => [index + 1, all[index - 1]?.digest ?? null]),
    )
    t.equal(await laptop.verify(), 14)
    t.equal(files(laptop), 14)
  },
)

t.test('invariant 1: the names of all payloads are durable before any of their batches is numbered', async (t) => {
  const { laptop } = await begin(t, 20)
  const synced: string[] = []
  class Watched extends PayloadStore {
    override async sync() {
      synced.push(`${files(laptop)} stored, ${laptop.count('batches')} numbered`)
      await super.sync()
    }
  }
  await sealBatches({ ...laptop.sealing, payloads: new Watched(join(laptop.device.data, 'payloads')) })
  t.same(synced, ['4 stored, 0 numbered', '8 stored, 4 numbered', '10 stored, 8 numbered'])
})

t.test('a change that is larger than a batch may be fills one by itself', async (t) => {
  const { laptop } = await begin(t, 0)
  const { batchBytes } = laptop.shelf.document.limits
  await laptop.record(change('large', { fields: { scan: 's'.repeat(batchBytes - 300) } }))
  const { size } = laptop.store.$client.prepare('SELECT size FROM outbox').get() as { size: number }
  t.ok(size < batchBytes && size > batchBytes - 300, 'all but as large: it can wait')
  t.equal(await sealBatches(laptop.sealing, true), 0)
  const study = laptop.shelf.document
  const limits = { ...study.limits, batchBytes: 1024 }
  t.equal(await sealBatches({ ...laptop.sealing, study: { ...study, limits } }, true), 1)
})

t.test('it ends after so many batches, and goes on from there', async (t) => {
  const { study, laptop } = await begin(t, 20)
  for (const most of [5, 1, 4]) t.equal(await sealBatches(laptop.sealing, false, most), most)
  t.equal(await sealBatches(laptop.sealing, false, 5), 0)
  t.same(await idsSealed(study, laptop), ids(0, 20))
  t.equal(await laptop.verify(), 10)
})

t.test('what is recorded while batches are sealed is sealed behind them', async (t) => {
  const { study, laptop } = await begin(t, 9)
  const { store, payloads } = laptop
  class Busy extends PayloadStore {
    override async put(bytes: Uint8Array) {
      const further = laptop.count('known_changes')
      if (further < 14) await laptop.record(...some(further, further + 1))
      return payloads.put(bytes)
    }
  }
  await sealBatches({ ...laptop.sealing, store, payloads: new Busy(join(laptop.device.data, 'payloads')) })
  await sealBatches(laptop.sealing)
  t.same(await idsSealed(study, laptop), ids(0, laptop.count('known_changes')))
  t.ok(laptop.count('known_changes') > 9)
  t.equal(laptop.count('outbox'), 0)
})

t.test(
  'invariant 1: the disk is full half way: what is committed stands, the rest waits, and no number is used twice',
  async (t) => {
    for (const at of [1, 3, 5, 8, 9]) {
      const { study, laptop } = await begin(t, 20)
      const payloads = new Disturbed(laptop, at, noRoom)
      await t.rejects(sealBatches({ ...laptop.sealing, payloads }), { code: 'DISK_FULL' }, `at payload ${at}`)
      t.equal(laptop.count('batches'), Math.floor((at - 1) / 4) * 4, 'together or not at all')
      t.equal(files(laptop), laptop.count('batches'), 'nothing half done fills the disk further')
      t.equal(laptop.count('outbox'), 20 - 2 * laptop.count('batches'))
      await sealBatches(laptop.sealing)
      t.same(await idsSealed(study, laptop), ids(0, 20))
      t.equal(await laptop.verify(), 10)
    }
  },
)

t.test('invariant 6: plain text of what was sealed before the disk was full is erased from the log too', async (t) => {
  const { laptop } = await begin(t, 0)
  // At its start a program empties the log anyway.
  await laptop.sealer.ask()
  laptop.clock.pass(20_000)
  await laptop.record(...Array.from({ length: 20 }, (_, n) => change(`s-${n}`, { fields: { note: `SECRET-${n}-` } })))
  laptop.payloads = new Disturbed(laptop, 5, noRoom)
  await t.rejects(laptop.sealer.ask(), { code: 'DISK_FULL' })
  t.equal(laptop.count('batches'), 4)
  t.ok(laptop.isOnDisk('SECRET-0-'), 'the test can see it')
  laptop.payloads = new Disturbed(laptop, 1, noRoom)
  laptop.store.$client.exec('DELETE FROM outbox')
  await laptop.sealer.tick()
  t.notOk(laptop.isOnDisk('SECRET-0-'))
})

t.test('another chain begins half way: what was prepared for the old one comes to nothing', async (t) => {
  for (const at of [2, 5, 9]) {
    const { study, laptop } = await begin(t, 20)
    const another = () =>
      laptop.store.$client
        .prepare("INSERT OR IGNORE INTO chains (chain) VALUES ('00000000000000000000000000000001')")
        .run()
    const payloads = new Disturbed(laptop, at, another)
    await t.rejects(sealBatches({ ...laptop.sealing, payloads }), { code: 'LOCKED' }, `at payload ${at}`)
    t.equal(files(laptop), laptop.count('batches'))
    await sealBatches(laptop.sealing)
    t.same(await idsSealed(study, laptop), ids(0, 20))
    t.equal(laptop.manifests().at(-1)?.chain, '00000000000000000000000000000001')
    t.equal(files(laptop), 10)
  }
})

t.test('invariant 8: a change that cannot be read holds up none before it', async (t) => {
  const { study, laptop } = await begin(t, 20)
  laptop.store.$client.exec("UPDATE outbox SET line = x'ff' WHERE position = 14")
  for (let attempt = 0; attempt < 2; attempt += 1) await t.rejects(sealBatches(laptop.sealing))
  t.same(await idsSealed(study, laptop), ids(0, 12), 'four together, and two of the next four')
  t.equal(laptop.count('outbox'), 8)
  t.equal(files(laptop), 6)
})

t.test('a size that is wrong cuts no line: it says only which batch a change goes into', async (t) => {
  const { study, laptop } = await begin(t, 20)
  laptop.store.$client.exec('UPDATE outbox SET size = 1 WHERE position IN (2, 11)')
  laptop.store.$client.exec('UPDATE outbox SET size = 5000 WHERE position IN (4, 15)')
  t.equal(await sealBatches(laptop.sealing), 10)
  t.same(await idsSealed(study, laptop), ids(0, 20))
})
