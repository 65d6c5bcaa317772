import { setImmediate as nextRound } from 'node:timers/promises'
import t from 'tap'
import { Precedence } from '../../server/precedence.ts'

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

t.test('where nothing goes before, work goes on after a turn for whoever waits', async (t) => {
  const first = new Precedence(never)
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  await first.letPass()
  t.equal(turns, 1)
  await first.during(async () => undefined)
  t.ok(await hasEnded(first.letPass()))
})

t.test('work stands back until what goes before has ended, well or not', async (t) => {
  for (const error of [undefined, new Error('the disk is full')]) {
    const first = new Precedence(never)
    const opening = Promise.withResolvers<string>()
    const opened = first.during(() => opening.promise)
    const turn = first.letPass()
    t.notOk(await hasEnded(turn), 'it waits')
    if (error) opening.reject(error)
    else opening.resolve('all is open')
    await turn
    if (error) await t.rejects(opened, error)
    else t.equal(await opened, 'all is open')
  }
})

t.test('what does not end holds other work up for a while, not for ever', async (t) => {
  const first = new Precedence(1)
  first.during(() => new Promise(() => undefined))
  await first.letPass()
  t.pass('a step could be done')
})
