import t from 'tap'
import { openRelay } from '../../commands/open-relay.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { handoverSettings, model, recordAll, Side } from '../fixtures/handover-side.ts'
import { startInProcess } from '../fixtures/in-process.ts'
import { Disk } from '../fixtures/search-disk.ts'
import { foundTestStudy } from '../fixtures/study.ts'
import { until } from '../fixtures/until.ts'

const tubes = 12

/** What the study document lets be seen, and what it does not, of one requisition. */
function requisition(number: number) {
  const label = `SEEN${100 + number}`
  const seen = { label, subject: `066-SEEN-${number}`, panel: 'Viral load', type: 'EDTA', tubes: 1, drawn: 'Yes' }
  const unseen = {
    ...{ initials: `QX${number}ZV7`, first_name: `Kagiso-${number}-Unseen`, dob: `1987-03-1${number % 9}T11:07:53` },
    ...{
      gender: `gender-of-${number}`,
      weight: 61.51234 + number,
      cd4: 412_345_600 + number,
      note: `"ill" ${number} — fé`,
    },
    ...{
      results: { malaria: { parasites: `${number}-per-microlitre` }, list: [`hidden-${number}`, 98_765_400 + number] },
    },
  }
  const drawn_at = new Date(Date.now() - 600_000).toISOString()
  return { unseen, seen, fields: { ...seen, drawn_at, ...unseen } }
}

function changes(): object[] {
  return Array.from({ length: tubes }, (_, number) => number).flatMap((number) => [
    {
      ...{ id: `draw-${number}`, model, action: 'insert', pk: `PK-${number}`, fields: requisition(number).fields },
      ...{ naturalKey: [`natural-req-${number}`], user: `user-req-${number}`, reason: `reason-req-${number}` },
      opaque: `opaque-req-${number}`,
    },
    {
      ...{ id: `visit-${number}-of-app`, model: 'clinic.visit.unseen', action: 'insert', pk: `visit-pk-${number}` },
      ...{
        fields: {
          subject: `visit-subject-${number}`,
          weight: 71.98765 + number,
          when: `2026-11-0${1 + (number % 9)}T10:17:31+02:00`,
        },
      },
      ...{ naturalKey: [`natural-visit-${number}`, 4_242_420_000 + number], user: `user-visit-${number}` },
    },
  ])
}

/** Every text and number in a value, but what says nothing by itself. */
function scalars(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(scalars)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalars)
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : []
}

/** Of each change, all but its name and what the study document lets be seen of it. */
function hidden(): string[] {
  const all = changes().flatMap((change) => {
    const { id, model: of, action: _, ...rest } = change as { id: string; model: string; action: string; pk: string }
    const isRequisition = of === model
    return [...(isRequisition ? [] : [id, of]), ...scalars(rest)]
  })
  const seen = new Set(
    Array.from({ length: tubes }, (_, number) => number).flatMap((number) => [
      ...scalars(requisition(number).seen),
      `PK-${number}`,
    ]),
  )
  return [...new Set(all)].filter((text) => !seen.has(text) && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/.test(text))
}

t.test('invariant 6: of all clinical values, none is anywhere on the driver’s disk, at any time', async (t) => {
  const study = await foundTestStudy()
  t.teardown(() => study.dispose())
  await study.publish(() => handoverSettings)
  const [laptop, thabo] = [await study.enrol('field', 'lap-01'), await study.enrol('relay', 'thabo')]
  await recordAll(laptop, changes())
  const values = hidden()
  const expectUnreadable = (when: string) => {
    const disk = new Disk(thabo.data)
    const found = values.flatMap((value) => disk.find(value).map((where) => `${value}: ${where}`))
    t.same(found, [], `${when}: ${values.length} values in ${disk.size} bytes`)
    return disk
  }
  const laptopDisk = new Disk(laptop.data)
  t.same(
    values.filter((value) => laptopDisk.find(value).length === 0),
    [],
    'on the laptop each of them is found before it is sealed: the search sees them',
  )
  const field = await startInProcess(t, laptop, systemClock)
  const relay = await startInProcess(t, thabo, systemClock)
  const [assistant, driver] = [await Side.open(laptop, field), await Side.open(thabo, relay)]
  await until('the list is here', async () => (await driver.expected(laptop)) === tubes)
  const listed = expectUnreadable('lines')
  t.not(listed.find('066-SEEN-3').length, 0, 'what is to be seen is there')
  await until('the data is aboard', () => isAboard(thabo.data))
  expectUnreadable('payloads')
  const id = await driver.begin(laptop)
  for (const number of [0, 1, 2]) await driver.scan(id, requisition(number).seen.label)
  await assistant.untilState(id, 'SEEN100 present', 'SEEN102 present')
  await assistant.sign(id)
  await driver.untilView(id, 'one signed', ({ signed }) => signed === 'one')
  await driver.sign(id)
  const signed = expectUnreadable('a signed handover')
  t.ok(
    signed.find('SEEN102').some((where) => /base64url/.test(where)),
    'the search sees into signed documents',
  )
  const clinic = await startInProcess(t, study.server, systemClock)
  const forgotten = () => new Disk(thabo.data).find('066-SEEN-0').length === 0
  await assistant.untilView(id, 'closed', ({ isClosed }) => isClosed)
  await field.close()
  await until('it is at the clinic, and forgotten', forgotten, { deadlineMs: 60_000 })
  expectUnreadable('delivered')
  await relay.close()
  expectUnreadable('ended')
  await clinic.close()
})

async function isAboard(data: string): Promise<boolean> {
  const { store, close } = await openRelay(data)
  try {
    const left = store.$client.prepare<[], { n: number }>("SELECT count(*) n FROM manifests WHERE state = 'pulling'")
    const here = store.$client.prepare<[], { n: number }>('SELECT count(*) n FROM manifests').get()?.n ?? 0
    return here > 0 && left.get()?.n === 0
  } finally {
    close()
  }
}
