import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { Decrypter } from 'age-encryption'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openStore } from '../../daemon/open-store.ts'
import { sealBatches } from '../../daemon/seal.ts'
import { digestKeyOf, keyedDigest, sha256 } from '../../shared/crypto/digest.ts'
import { readDocument } from '../../shared/crypto/read-document.ts'
import { WaybillError } from '../../shared/service/errors.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { change, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy, type TestStudy } from '../fixtures/study.ts'

async function begin(t: Test): Promise<{ laptop: TestLaptop; study: TestStudy }> {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  return { laptop: await TestLaptop.open(t, await study.enrol('field', 'lap-01')), study }
}

function payloadFiles({ device }: TestLaptop): string[] {
  return readdirSync(join(device.data, 'payloads'), { recursive: true })
    .map(String)
    .filter((name) => name.length > 10)
}

function some(count: number, from = 0): object[] {
  return Array.from({ length: count }, (_, index) => change(`c-${from + index}`))
}

t.test(
  'batches are numbered from 1 without a gap, each names the one before, and the payload binds its place',
  async (t) => {
    const { laptop, study } = await begin(t)
    const batches = await laptop.sealed('a', 'b', 'c')
    const manifests = laptop.manifests()
    t.same(
      manifests.map(({ seq }) => seq),
      [1, 2, 3],
    )
    t.same(
      manifests.map(({ previous }) => previous),
      [null, batches[0]?.digest, batches[1]?.digest],
    )
    t.equal(new Set(manifests.map(({ chain }) => chain)).size, 1)
    t.ok(manifests.every(({ continues }) => continues === null))
    const third = manifests[2]
    const sealed = await laptop.payloads.read(third?.payload.digest ?? '')
    const opener = new Decrypter()
    opener.addIdentity(study.server.identity.secrets.sealing ?? '')
    const plain = zstdDecompressSync(await opener.decrypt(sealed)).toString()
    t.equal(sha256(plain), third?.plain.digest)
    const [head = '', line = ''] = plain.split('\n')
    t.match(JSON.parse(head), {
      study: study.study,
      producer: laptop.id,
      chain: third?.chain,
      seq: 3,
      salt: /^[0-9a-f]{64}$/,
    })
    t.equal(JSON.parse(line).id, 'c')
    t.equal(await laptop.verify(), 3)
  },
)

t.test(
  'invariant 6: after sealing no plain text is left in the database file or its log, and a change is known by keyed digest',
  async (t) => {
    const { laptop } = await begin(t)
    const secret = 'INITIALS-ABC-1984-07-01'
    const given = Array.from({ length: 700 }, (_, index) =>
      change(`c-${index}`, {
        fields: { note: `${secret}${index}`.padEnd(20 + (index % 50) * 60, '.'), weight: index },
      }),
    )
    await laptop.record(...given)
    t.ok(laptop.isOnDisk(secret), 'the test can see it')
    laptop.clock.pass(20_000)
    await laptop.sealer.ask()
    t.equal(laptop.count('outbox'), 0)
    t.notOk(laptop.isOnDisk(secret), 'erased')
    const digest = laptop.store.$client
      .prepare<[], { keyed: string }>('SELECT keyed_digest keyed FROM known_changes')
      .all()
    const { digestKey } = laptop.device.identity.secrets
    const unkeyed = digest.map(({ keyed }) => keyed)
    t.equal(unkeyed.length, 700)
    const canonical = sha256(
      JSON.stringify(Object.fromEntries(Object.entries(given[0] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))),
    )
    t.ok(unkeyed.includes(keyedDigest(digestKeyOf(digestKey), canonical)), 'by a digest with the key')
    t.notOk(laptop.isOnDisk(canonical), 'and not by one that could be guessed')
  },
)

t.test(
  'invariant 6: where another program reads, the log is emptied as soon as it is done, and nobody waits',
  async (t) => {
    const { laptop } = await begin(t)
    await laptop.record(change('a', { fields: { note: 'SECRET-NOTE' } }))
    const reader = new Database(join(laptop.device.data, 'waybill.sqlite'))
    t.teardown(() => reader.close())
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM outbox').get()
    const started = performance.now()
    await laptop.sealer.ask()
    t.ok(performance.now() - started < 5_000, 'the program goes on')
    t.equal(laptop.batches().length, 1, 'sealed')
    t.ok(laptop.isOnDisk('SECRET-NOTE'), 'the reader may still need the log')
    reader.exec('COMMIT')
    await laptop.sealer.tick()
    t.notOk(laptop.isOnDisk('SECRET-NOTE'))
  },
)

t.test('invariant 6: plain text that a crash left in the log is erased at the next start', async (t) => {
  const { laptop } = await begin(t)
  await laptop.record(change('a', { fields: { note: 'SECRET-NOTE' } }))
  const other = openStore(laptop.device.data)
  t.teardown(() => other.$client.close())
  await sealBatches(laptop.sealing)
  laptop.close()
  t.ok(laptop.isOnDisk('SECRET-NOTE'))
  await laptop.open()
  await laptop.sealer.tick()
  t.notOk(laptop.isOnDisk('SECRET-NOTE'))
})

t.test('invariant 2: sealing is single-flight: many who ask at once make one batch', async (t) => {
  const { laptop } = await begin(t)
  await laptop.record(...some(20))
  await Promise.all(Array.from({ length: 10 }, () => laptop.sealer.ask()))
  t.same(
    laptop.manifests().map(({ seq, changes }) => [seq, changes]),
    [[1, 20]],
  )
})

t.test('when sealing begins: a peer asks at most every 10 s, a batch is full, or the time limit has run', async (t) => {
  const { laptop } = await begin(t)
  const sizes = () => laptop.manifests().map(({ changes }) => changes)
  const { limits } = laptop.shelf.document
  t.match(limits, { batchChanges: 500, batchBytes: 1_048_576 })
  await laptop.record(...some(3))
  await laptop.sealer.tick()
  t.same(sizes(), [], 'three changes can wait')
  await laptop.sealer.ask()
  t.same(sizes(), [3], 'a peer asks')
  await laptop.record(...some(2, 10))
  laptop.clock.pass(9_999)
  await laptop.sealer.ask()
  t.same(sizes(), [3], 'asked again too soon')
  laptop.clock.pass(1)
  await laptop.sealer.ask()
  t.same(sizes(), [3, 2], 'after ten seconds')
  await laptop.record(...some(500, 100))
  await laptop.sealer.tick()
  t.same(sizes(), [3, 2, 500], '500 changes')
  await laptop.sealer.tick()
  await laptop.record(
    ...Array.from({ length: 4 }, (_, index) => change(`large-${index}`, { fields: { scan: 's'.repeat(300_000) } })),
  )
  await laptop.sealer.ask()
  t.same(sizes(), [3, 2, 500, 3], '1 MiB, though asked too soon; no batch is larger')
  await laptop.sealer.tick()
  laptop.clock.pass(limits.sealAfterSeconds * 1000 - 1)
  await laptop.sealer.tick()
  t.same(sizes(), [3, 2, 500, 3])
  laptop.clock.pass(1)
  await laptop.sealer.tick()
  t.same(sizes(), [3, 2, 500, 3, 1], 'the time limit, by a clock that nobody sets')
})

t.test('invariant 1: what breaks between payload and commit loses nothing and numbers nothing', async (t) => {
  const { laptop } = await begin(t)
  await laptop.record(change('a'))
  class Failing extends PayloadStore {
    override put(): Promise<never> {
      throw new WaybillError('DISK_FULL', 'no room')
    }
  }
  await t.rejects(sealBatches({ ...laptop.sealing, payloads: new Failing(join(laptop.device.data, 'payloads')) }), {
    code: 'DISK_FULL',
  })
  class Ending extends PayloadStore {
    override async put(bytes: Uint8Array) {
      const put = await super.put(bytes)
      laptop.close()
      return put
    }
  }
  await t.rejects(sealBatches({ ...laptop.sealing, payloads: new Ending(join(laptop.device.data, 'payloads')) }))
  await laptop.open()
  t.equal(laptop.count('outbox'), 1)
  t.equal(laptop.count('batches'), 0)
  t.equal(await sealBatches(laptop.sealing), 1)
  t.same(
    laptop.manifests().map(({ seq }) => seq),
    [1],
  )
})

t.test('what is half written when the disk is full does not fill it further', async (t) => {
  const { laptop } = await begin(t)
  await laptop.record(change('a'))
  class Full extends PayloadStore {
    override async put(bytes: Uint8Array): Promise<never> {
      await this.receive(sha256(bytes), bytes.length, 0, [bytes.subarray(0, 10)]).catch(() => undefined)
      throw new WaybillError('DISK_FULL', 'no room')
    }
  }
  const payloads = new Full(join(laptop.device.data, 'payloads'))
  for (let attempt = 0; attempt < 3; attempt += 1)
    await t.rejects(sealBatches({ ...laptop.sealing, payloads }), { code: 'DISK_FULL' })
  t.same(payloadFiles(laptop), [])
})

t.test('what others could not read is not signed: the changes wait for a better configuration', async (t) => {
  const { laptop, study } = await begin(t)
  const many = await study.publish(({ recipients }) => ({
    recipients: Array.from({ length: 17 }, () => recipients[0]).filter((one) => one !== undefined),
  }))
  await laptop.told(study.server, { studyDocument: many })
  await laptop.record(change('a'))
  await t.rejects(laptop.sealer.ask(), { code: 'BAD_DOCUMENT' })
  t.equal(laptop.count('outbox'), 1, 'held')
  t.same(payloadFiles(laptop), [])
  const better = await study.publish(({ recipients }) => ({ recipients: recipients.slice(0, 1) }))
  await laptop.told(study.server, { studyDocument: better })
  laptop.clock.pass(20_000)
  await laptop.sealer.ask()
  t.equal(laptop.count('batches'), 1, 'carried')
})

t.test('a meeting that begins another chain while a batch is sealed: it is sealed for that one', async (t) => {
  const { laptop } = await begin(t)
  await laptop.sealed('a')
  await laptop.record(change('b'))
  class Interrupted extends PayloadStore {
    #isFirst = true

    override put(bytes: Uint8Array) {
      if (this.#isFirst)
        laptop.store.$client.prepare("INSERT INTO chains (chain) VALUES ('00000000000000000000000000000001')").run()
      this.#isFirst = false
      return super.put(bytes)
    }
  }
  laptop.payloads = new Interrupted(join(laptop.device.data, 'payloads'))
  await laptop.sealer.ask()
  const last = readDocument(laptop.batches().at(-1)?.jws ?? '', 'manifest').document
  t.match(last, { chain: '00000000000000000000000000000001', seq: 1, changes: 1 })
  t.equal(payloadFiles(laptop).length, 2, 'nothing is left of the first attempt')
})
