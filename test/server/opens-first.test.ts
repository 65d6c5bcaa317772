import { setImmediate as nextRound } from 'node:timers/promises'
import t from 'tap'
import { OpensFirst } from '../../server/opens-first.ts'

const never = 2 ** 31 - 1

/** Whether it has ended by the time that everything else had its turn a few times. */
async function hasEnded(work: Promise<unknown>): Promise<boolean> {
  let ended = false
  work.finally(() => {
    ended = true
  })
  for (let round = 0; round < 5; round++) await nextRound()
  return ended
}

t.test('where nothing is opened, applying goes on after a turn for whoever waits', async (t) => {
  const first = new OpensFirst(never)
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  await first.turn()
  t.equal(turns, 1)
  await first.open(async () => undefined)
  t.ok(await hasEnded(first.turn()))
})

t.test('applying stands back until opening has ended, well or not', async (t) => {
  for (const error of [undefined, new Error('the disk is full')]) {
    const first = new OpensFirst(never)
    const opening = Promise.withResolvers<string>()
    const opened = first.open(() => opening.promise)
    const turn = first.turn()
    t.notOk(await hasEnded(turn), 'it waits')
    if (error) opening.reject(error)
    else opening.resolve('all is open')
    await turn
    if (error) await t.rejects(opened, error)
    else t.equal(await opened, 'all is open')
  }
})

t.test('opening that does not end holds applying up for a while, not for ever', async (t) => {
  const first = new OpensFirst(1)
  first.open(() => new Promise(() => undefined))
  await first.turn()
  t.pass('a transaction could be applied')
})
