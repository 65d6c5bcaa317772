import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { recordChanges } from '../../daemon/outbox.ts'
import { sealBatches } from '../../daemon/seal.ts'
import { splitInput } from '../../daemon/split-input.ts'
import type { Change } from '../../shared/protocol/change.ts'
import { change, TestLaptop } from '../fixtures/daemon-laptop.ts'
import { foundTestStudy } from '../fixtures/study.ts'

async function begin(t: Test): Promise<TestLaptop> {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  return TestLaptop.open(t, await study.enrol('field', 'lap-01'))
}

function outbox(laptop: TestLaptop): Change[] {
  return laptop.store.$client
    .prepare<[], { line: string }>('SELECT line FROM outbox ORDER BY position')
    .all()
    .map(({ line }) => JSON.parse(line))
}

/** An object as Django's dumpdata writes it. */
function dumped(pk: number, weight: number): object {
  return { model: 'clinic.visit', pk, fields: { weight } }
}

t.test('invariant 1: a bad line is named by number and field, and spoils no other', async (t) => {
  const laptop = await begin(t)
  const { accepted, known, refused } = await laptop.record(
    change('a'),
    '{"id":',
    change('b', { pk: null }),
    '',
    change('c'),
  )
  t.same({ accepted, known }, { accepted: 2, known: 0 })
  t.match(refused, [
    { line: 2, code: 'CHANGE_INVALID', message: /not JSON/ },
    { line: 3, code: 'CHANGE_INVALID', message: /^\/pk/ },
  ])
  t.same(
    outbox(laptop).map(({ id }) => id),
    ['a', 'c'],
  )
})

t.test('invariant 1: what the app has committed is never refused for want of configuration', async (t) => {
  const laptop = await begin(t)
  t.same(laptop.shelf.document.models, {}, 'nothing is configured')
  const odd = change('a', { model: 'an_app.never.heard_of', site: 'nowhere', fields: { any: { thing: [1, null] } } })
  t.equal((await laptop.record(odd)).accepted, 1)
  t.equal(await sealBatches(laptop.sealing), 1, 'carried')
})

t.test('invariant 2: a repeat is known before and after sealing; two contents of one id are both kept', async (t) => {
  const laptop = await begin(t)
  const again = change('a', { recordedAt: undefined })
  t.match(await laptop.record(again, again), { accepted: 1, known: 1 }, 'in one go')
  laptop.clock.wall += 60_000
  t.match(await laptop.record(again), { accepted: 0, known: 1 }, 'later, though its time would be filled in anew')
  t.match(await laptop.record(change('a', { fields: { weight: 70 } })), { accepted: 1, known: 0 }, 'another content')
  t.equal(laptop.count('outbox'), 2)
  await sealBatches(laptop.sealing)
  t.match(await laptop.record(again, change('a', { fields: { weight: 70 } })), { accepted: 0, known: 2 })
  t.match(await laptop.record(change('a', { fields: { weight: 71 } })), { accepted: 1 }, 'a third content of the id')
})

t.test('dumps: A then A is one change, A then B then A are three, each upon the one before', async (t) => {
  const laptop = await begin(t)
  t.match(await laptop.record(dumped(7, 60), dumped(8, 60), dumped(7, 60)), { accepted: 2, known: 1 })
  await sealBatches(laptop.sealing)
  t.match(await laptop.record(dumped(7, 60)), { accepted: 0, known: 1 }, 'known when sealed')
  t.match(await laptop.record(dumped(7, 61), dumped(7, 60), dumped(7, 60)), { accepted: 2, known: 1 })
  const [second, third] = outbox(laptop)
  t.match(
    [second, third],
    [
      { action: 'update', fields: { weight: 61 } },
      { action: 'update', fields: { weight: 60 }, base: [second?.id] },
    ],
  )
  t.not(second?.base[0], undefined)
  t.not(third?.id, second?.base[0], 'the same content told again later is another change')
})

t.test('dumps: what the app did itself in between is not lost when the dump tells the old state again', async (t) => {
  const laptop = await begin(t)
  await laptop.record(dumped(7, 60), change('edit', { pk: '7', action: 'update', fields: { weight: 61 } }))
  t.match(await laptop.record(dumped(7, 60)), { accepted: 1, known: 0 })
  t.match(outbox(laptop).at(-1), { action: 'update', fields: { weight: 60 }, base: ['edit'] })
  t.match(await laptop.record(dumped(7, 60)), { accepted: 0, known: 1 })
})

t.test(
  'invariant 1: what is answered for is committed; what a failing disk did not take is not answered for',
  async (t) => {
    const laptop = await begin(t)
    const lines = Array.from({ length: 1200 }, (_, index) => JSON.stringify(change(`c-${index}`))).join('\n')
    const committed: number[] = []
    const context = () => ({
      ...{ store: laptop.store, study: laptop.shelf.document, clock: laptop.clock },
      digestKey: laptop.device.identity.secrets.digestKey,
    })
    const failing = () =>
      recordChanges(context(), splitInput(Readable.from([Buffer.from(lines)])), ({ accepted }) => {
        committed.push(accepted)
        if (accepted >= 500) laptop.store.$client.pragma('max_page_count = 1')
      })
    await t.rejects(failing(), { code: 'SQLITE_FULL' })
    laptop.store.$client.pragma('max_page_count = 1073741823')
    t.same(committed, [500])
    t.equal(laptop.count('outbox'), 500, 'a whole transaction or nothing of it')
    const again = await recordChanges(context(), splitInput(Readable.from([Buffer.from(lines)])))
    t.same(again, { accepted: 700, known: 500, refused: [] }, 'given again, each is there once')
  },
)

t.test('invariant 10: large changes do not wait in memory for company, and lines of rubbish end', async (t) => {
  const laptop = await begin(t)
  const commits: number[] = []
  const context = {
    ...{ store: laptop.store, study: laptop.shelf.document, clock: laptop.clock },
    digestKey: laptop.device.identity.secrets.digestKey,
  }
  const large = Array.from({ length: 12 }, (_, index) => ({
    number: index + 1,
    text: Buffer.from(JSON.stringify(change(`c-${index}`, { fields: { scan: 's'.repeat(1_000_000) } }))),
  }))
  await recordChanges(context, large, ({ accepted }) => commits.push(accepted))
  t.same(commits, [5, 10, 12], 'a transaction ends after 4 MiB')
  const rubbish = (function* () {
    for (let number = 1; number < 1_000_000; number += 1) yield { number, text: Buffer.from('x') }
  })()
  await t.rejects(recordChanges(context, rubbish), { code: 'BAD_REQUEST', message: /^line 10001: / })
})
