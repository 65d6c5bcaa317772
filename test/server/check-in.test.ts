import t from 'tap'
import { dayOf } from '../../server/calendar.ts'
import { type CheckIn, checkInBoard } from '../../server/check-in.ts'
import { lossReport } from '../../server/loss-report.ts'
import { type LaptopDays, missingByDay } from '../../server/missing-by-day.ts'
import { writeSkipDays } from '../../server/skip-days.ts'
import { type CraftedBatch, custodyBy } from '../fixtures/craft-batch.ts'
import { TestServer } from '../fixtures/server-run.ts'
import { foundTestStudy } from '../fixtures/study.ts'

const study = await foundTestStudy()
t.teardown(() => study.dispose())
const lap = await study.enrol('field', 'lap-01')
await study.enrol('field', 'lap-02')
const clear = await study.enrol('field', 'lap-03')
const thabo = await study.enrol('relay', 'thabo')
const server = await TestServer.start(t, study.server)
const [direct, byThabo] = [server.as(clear), server.as(thabo)]
const today = dayOf(new Date())
const now = new Date().toISOString()

function board(day = today): Promise<Record<string, CheckIn>> {
  return server.opened((opened) => {
    const all = checkInBoard(opened, opened.shelf.document, day)
    return Object.fromEntries(all.map((entry) => [entry.name, entry]))
  })
}

t.test('the board: clear, not all here, never seen; and not a change more than somebody told', async (t) => {
  await direct.meet()
  await byThabo.meet()
  const own = await server.laptop(clear)
  for (const batch of await own.batches(2)) await direct.push(batch)
  await direct.meet({ head: { chain: own.chain, seq: 2, unsealed: 0 } })
  const laptop = await server.laptop(lap)
  const [first, second, third] = (await laptop.batches(3)) as [CraftedBatch, CraftedBatch, CraftedBatch]
  const { chain } = laptop
  const head = { chain, seq: 3, unsealed: 31 }
  for (const batch of [first, third])
    await byThabo.push(batch, [(await custodyBy(thabo, batch, { head, at: now })).jws])
  await server.settled()
  const told = await board()
  t.match(told['lap-03'], { state: 'clear', changesAtMost: 0, lastMet: { isHere: true } })
  t.match(told['lap-01'], {
    ...{ state: 'undelivered', numbers: 1, unsealed: 31, changesAtMost: 531, mayBeWith: ['thabo'] },
    ...{ hereUntil: first.document.sealedAt, lastMet: { byName: 'thabo', isHere: false, seq: 3 } },
  })
  t.match(told['lap-02'], { state: 'never', changesAtMost: 0, lastMet: null })
  t.match(told.thabo, { role: 'relay', lastMet: { isHere: true } })
  t.match((await board('2026-01-01'))['lap-01'], { state: 'notSeen', changesAtMost: 531 }, 'another day')
  const loss = await server.opened((opened) => lossReport(opened, opened.shelf.document, lap.device))
  t.match(loss, {
    ...{ name: 'lap-01', changesAtMost: 531, opened: 2, mayBeWith: ['thabo'] },
    chains: [{ chain, missing: [[2, 2]], numbers: 1, unsealed: 31 }],
  })
  await byThabo.push(second, [(await custodyBy(thabo, second, { head, at: now })).jws])
  await server.settled()
  t.match((await board())['lap-01'], { numbers: 0, unsealed: 31, changesAtMost: 31, mayBeWith: [] })
  await t.rejects(
    server.opened((opened) => lossReport(opened, opened.shelf.document, 'f'.repeat(32))),
    { code: 'NOT_FOUND' },
  )
})

t.test('missing by day: none is only said of what the laptop has told of since', async (t) => {
  const add = (device: string, day: string, changes: number) =>
    server.sql('INSERT INTO changes_by_day VALUES (?, ?, ?, ?)', device, `m.${changes}`, day, changes)
  server.sql('DELETE FROM changes_by_day')
  for (const device of [clear.device, lap.device]) {
    add(device, '2026-11-02', 3)
    add(device, '2026-11-02', 4)
    add(device, '2026-11-04', 5)
  }
  server.sql(
    'UPDATE meetings SET at = ?, heard_at = ? WHERE device = ?',
    ...[`2026-11-10T10:00:00.000Z`, now, clear.device],
  )
  server.sql(
    'UPDATE meetings SET at = ?, heard_at = ? WHERE device = ?',
    ...[`2026-11-05T10:00:00.000Z`, now, lap.device],
  )
  const report = (model: string | null = null) =>
    server.opened((opened) => {
      writeSkipDays(
        opened.store,
        { who: 'Naledi', role: 'manager' },
        { weekdays: [0, 6], days: [{ day: '2026-11-06', reason: 'holiday' }] },
        new Date(),
      )
      return missingByDay(opened, opened.shelf.document, { from: '2026-11-01', to: '2026-11-11', model }, '2026-11-10')
    })
  const { laptops } = await report()
  const states = (name: string) => statesOf(laptops.find((one) => one.name === name))
  t.same(states('lap-03'), {
    ...{ 1: 'before 0', 2: 'some 7', 3: 'none 0', 4: 'some 5', 5: 'none 0', 6: 'skip 0', 7: 'skip 0', 8: 'skip 0' },
    ...{ 9: 'none 0', 10: 'today 0', 11: 'today 0' },
  })
  t.equal(states('lap-01')[5], 'unknown 0', 'it was last heard of that day')
  t.equal(states('lap-02')[3], 'before 0', 'nothing ever came of it')
  const one = (await report('m.5')).laptops.find(({ name }) => name === 'lap-03')
  t.same([one?.changes, statesOf(one)[4]], [5, 'some 5'], 'of one model')
  for (const [from, to] of [
    ['2026-11-02', '2026-11-01'],
    ['2026-01-01', '2026-11-01'],
    ['2026-02-30', '2026-03-01'],
  ] as const)
    await t.rejects(
      server.opened((opened) => missingByDay(opened, opened.shelf.document, { from, to, model: null }, today)),
      { code: 'BAD_REQUEST' },
    )
})

function statesOf(laptop: LaptopDays | undefined): Record<number, string> {
  return Object.fromEntries(
    (laptop?.days ?? []).map(({ day, state, changes }) => [Number(day.slice(8)), `${state} ${changes}`]),
  )
}
