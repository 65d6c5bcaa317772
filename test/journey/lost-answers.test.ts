import t from 'tap'
import { Day } from '../fixtures/day.ts'
import { fastClock, startInProcess } from '../fixtures/in-process.ts'
import { loseAnswers } from '../fixtures/lose-answers.ts'

for (const push of [false, true])
  t.test(`every answer lost once after it took effect, ${push ? 'on the direct route' : 'by relay'}`, async (t) => {
    const day = await Day.begin(t)
    const laptop = await day.study.enrol('field', 'lap-01')
    await day.record(laptop, 2200)
    const lost = loseAnswers(t)
    const clock = fastClock(100)
    const relay = push ? undefined : await day.study.enrol('relay', 'driver')
    await startInProcess(t, day.server, clock)
    await startInProcess(t, laptop, clock, { push })
    if (relay) await startInProcess(t, relay, clock)
    await day.untilDelivered(laptop)
    await day.record(laptop, 30)
    await day.untilDelivered(laptop)
    await day.expectEachOnce()
    await day.expectVerified(day.server, laptop, ...(relay ? [relay] : []))
    const doors = ['POST /v1/meeting', 'POST /v1/offers', 'POST /v1/batches']
    const laptopDoors = ['GET /v1/lines', 'GET /v1/manifests', 'POST /v1/payloads', 'POST /v1/custody']
    for (const door of push ? doors : [...doors, ...laptopDoors]) t.ok(lost.get(door), `${door} lost an answer`)
  })
