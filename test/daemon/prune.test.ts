import { existsSync } from 'node:fs'
import t, { type Test } from 'tap'
import { recountAll } from '../../daemon/cover.ts'
import { isServed } from '../../daemon/pending.ts'
import { prune } from '../../daemon/prune.ts'
import { minuteCounter, runningMinutes } from '../../daemon/running-minutes.ts'
import { PayloadStore } from '../../shared/storage/payload-store.ts'
import { type BatchState, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { custody, delivery, life } from '../fixtures/daemon-receipts.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const hours = 2

async function begin(t: Test) {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  const laptop = await TestLaptop.open(t, await study.enrol('field', 'lap-01'))
  const batches = await laptop.sealed('a', 'b', 'c')
  const last = batches[2] as BatchState
  return { study, laptop, batches, last, server: study.server }
}

function files(laptop: TestLaptop): boolean[] {
  return laptop.batches().map(({ payload }) => existsSync(laptop.payloads.pathOf(payload)))
}

/** The program runs for so long. */
function run(laptop: TestLaptop, minutes: number): void {
  const count = minuteCounter(laptop.store, laptop.clock)
  laptop.clock.pass(minutes * 60_000)
  count()
}

t.test('invariant 1: only what a server has safely is deleted, once the retention window has run', async (t) => {
  const { laptop, last, server, study } = await begin(t)
  const prunes = () => prune(laptop.store, laptop.payloads, hours)
  const relay = await study.enrol('relay', 'driver')
  const courier = await Promise.all(laptop.batches().map((batch) => custody(relay, laptop, batch)))
  await laptop.told(relay, { custody: courier })
  t.same(laptop.those('carried'), [1, 2, 3])
  run(laptop, 10_000)
  t.equal(await prunes(), 0, "a relay's custody never permits deletion")
  const own = await Promise.all(laptop.batches().map((batch) => custody(server, laptop, batch)))
  await laptop.told(server, { custody: own })
  const incarnation = life()
  await laptop.told(server, { deliveries: [await delivery(server, laptop, last, { incarnation })] })
  t.same(laptop.those('delivered'), [1, 2, 3])
  run(laptop, 10_000)
  t.equal(await prunes(), 0, 'neither does custody of the server, nor delivery alone')
  const safe = { incarnation, safeThrough: 2 }
  t.same(await laptop.told(server, { deliveries: [await delivery(server, laptop, last, safe)] }), [])
  t.same(laptop.those('safe'), [1, 2])
  t.equal(await prunes(), 0)
  run(laptop, hours * 60 - 1)
  t.equal(await prunes(), 0, 'the window has not run')
  run(laptop, 1)
  t.equal(await prunes(), 2)
  t.same(files(laptop), [false, false, true])
  t.same(laptop.those('pruned'), [1, 2])
  t.equal(await laptop.verify(), 3, 'manifests and receipts stay, and verify')
})

t.test(
  'invariant 1: the window is counted in minutes that the program ran, whatever the wall clock says',
  async (t) => {
    const { laptop, last, server } = await begin(t)
    await laptop.told(server, { deliveries: [await delivery(server, laptop, last, { safeThrough: 3 })] })
    laptop.clock.wall += 50 * 365 * 86_400_000
    t.equal(await prune(laptop.store, laptop.payloads, hours), 0, 'fifty years later by the wall clock')
    for (let start = 0; start < 1_000; start += 1) minuteCounter(laptop.store, laptop.clock)()
    t.equal(runningMinutes(laptop.store), 0, 'a program that starts again and again counts nothing')
    const count = minuteCounter(laptop.store, laptop.clock)
    laptop.clock.pass(59_999)
    count()
    t.equal(runningMinutes(laptop.store), 0)
    laptop.clock.pass(90_001)
    count()
    t.equal(runningMinutes(laptop.store), 2, 'whole minutes')
    laptop.clock.pass(30_000)
    count()
    t.equal(runningMinutes(laptop.store), 3, 'what was left over is not lost')
  },
)

t.test('invariant 1: a server found restored while payloads are removed stops the removal', async (t) => {
  const { laptop, last, server } = await begin(t)
  await laptop.told(server, { deliveries: [await delivery(server, laptop, last, { safeThrough: 3 })] })
  class Slow extends PayloadStore {
    override async remove(digest: string) {
      await super.remove(digest)
      const restored = await delivery(
        server,
        laptop,
        { ...last, seq: 0 },
        { throughDigest: null, incarnation: life(2) },
      )
      await laptop.told(server, { deliveries: [restored] })
    }
  }
  t.equal(await prune(laptop.store, new Slow(`${laptop.device.data}/payloads`), 0), 1)
  t.same(files(laptop), [false, true, true])
  t.same(laptop.those('pruned'), [1])
})

t.test('a crash between mark and removal leaves a file too many, which the next start removes', async (t) => {
  const { laptop, last, server } = await begin(t)
  await laptop.told(server, { deliveries: [await delivery(server, laptop, last, { safeThrough: 1 })] })
  class Crashing extends PayloadStore {
    override remove(): Promise<never> {
      throw new Error('the power is gone')
    }
  }
  await t.rejects(prune(laptop.store, new Crashing(`${laptop.device.data}/payloads`), 0), {
    message: 'the power is gone',
  })
  t.same(files(laptop), [true, true, true])
  await laptop.payloads.put(Buffer.from('sealed, and never committed'))
  await laptop.payloads.sweep((digest) => isServed(laptop.store, digest))
  t.same(files(laptop), [false, true, true])
  t.equal(await laptop.verify(), 3)
})

t.test('the window of what stays safe goes on when everything is counted anew', async (t) => {
  const { laptop, last, server } = await begin(t)
  await laptop.told(server, { deliveries: [await delivery(server, laptop, last, { safeThrough: 3 })] })
  run(laptop, hours * 60 - 1)
  recountAll(laptop.store)
  run(laptop, 1)
  t.equal(await prune(laptop.store, laptop.payloads, hours), 3)
})
