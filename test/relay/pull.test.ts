import t, { type Test } from 'tap'
import { foundTestStudy } from '../fixtures/study.ts'
import { openTestRelay } from './run-relay.ts'
import { StubLaptop } from './stub-laptop.ts'

/** A laptop near a relay that has not met it. */
async function begin(t: Test) {
  const study = await foundTestStudy()
  await study.publish(() => ({ models: { 'lab.requisition': { requisition: { identifier: 'id' } } } }))
  const laptop = await StubLaptop.start(await study.enrol('field', 'lap-01'))
  const relay = await openTestRelay(await study.enrol('relay', 'thabo'))
  t.teardown(async () => {
    await relay.close()
    await laptop.close()
    study.dispose()
  })
  const meet = () => relay.peers.hear('127.0.0.1', laptop.port, 'knock')
  const state = () => relay.status().peers[0]?.state
  return { laptop, relay, meet, state }
}

t.test('what nobody carries comes before the rest, over as many pages as it takes', async (t) => {
  const { laptop, relay, meet, state } = await begin(t)
  for (let count = 0; count < 250; count++) await laptop.seal(100)
  for (const { digest } of laptop.batches.slice(0, 120)) laptop.carried.add(digest)
  meet()
  await relay.until(() => state() === 'upToDate')
  const signed = [...laptop.custody.keys()]
  t.equal(signed.length, 250)
  // Of those that came in one answer the order says nothing; 25 do.
  const late = signed.slice(150).filter((digest) => !laptop.carried.has(digest))
  t.strictSame(late, [])
})

t.test('house rule 14: a list that never ends is left', async (t) => {
  const { laptop, relay, meet, state } = await begin(t)
  for (let count = 0; count < 150; count++) await laptop.seal(100)
  laptop.place = () => 7
  meet()
  await relay.until(() => state() === 'failing')
  t.match(relay.status().peers[0], { code: 'BAD_DOCUMENT' })
})

t.test('lines are asked for again when the laptop tells of others, and only then', async (t) => {
  const { laptop, relay, meet } = await begin(t)
  laptop.lines = [laptop.line('r1')]
  const metAgain = async () => {
    const before = laptop.meetings.length
    meet()
    await relay.until(() => laptop.meetings.length > before && !relay.peers.places().some(({ visiting }) => visiting))
  }
  await metAgain()
  await metAgain()
  t.strictSame([laptop.linesAsked, relay.status().lines], [1, 1])
  laptop.lines = [laptop.line('r1'), laptop.line('r2')]
  await metAgain()
  t.strictSame([laptop.linesAsked, relay.status().lines], [2, 2])
})
