import fc from 'fast-check'
import t from 'tap'
import { ageOf } from '../../../shared/specimens/minutes-left.ts'
import { line } from '../../fixtures/desks.ts'

const now = new Date('2026-11-24T12:00:00.000Z')
const age = (drawnAt: string | null, stabilityMinutes: number | string | null = 240, offset = 0, doubtful = false) =>
  ageOf(line('1', { fields: { drawnAt, stabilityMinutes }, doubtful }), now, offset)

t.test('minutes left of the stability limit', async (t) => {
  const drawnAt = '2026-11-24T11:00:00.000Z'
  t.strictSame(age('2026-11-24T11:00:00Z'), { drawnAt, minutesLeft: 180, doubtful: false })
  t.strictSame(age('2026-11-24T13:00:00+02:00', '240'), { drawnAt, minutesLeft: 180, doubtful: false })
  t.strictSame(age('2026-11-24 13:00:00.123456+0200', '240').doubtful, false, 'as Django prints it')
  t.equal(age('2026-11-24T07:59:00Z').minutesLeft, -1, 'a minute too old')
  t.equal(age('2026-11-24T08:00:00Z').minutesLeft, 0)
  t.equal(age('2026-11-24T11:00:30Z').minutesLeft, 180, 'whole minutes, never too many')
  for (const limit of [null, '', 'soon', -1, '1e3', Number.NaN])
    t.equal(age(drawnAt, limit).minutesLeft, null, `${limit}`)
})

t.test("by the other laptop's clock, brought to this one's", async (t) => {
  // Its clock is three years behind: it drew the tube an hour ago.
  const threeYears = Date.parse('2023-11-24T12:00:00Z') - now.getTime()
  t.strictSame(age('2023-11-24T11:00:00Z', 240, threeYears), {
    ...{ drawnAt: '2026-11-24T11:00:00.000Z', minutesLeft: 180, doubtful: false },
  })
})

t.test('a time that is not to be believed gives no minutes', async (t) => {
  t.match(age('2026-11-24T11:00:00Z', 240, 0, true), { minutesLeft: null, doubtful: true }, 'the laptop contradicts it')
  t.match(age('2026-11-24T12:06:00Z'), { minutesLeft: null, doubtful: true }, 'not drawn yet')
  t.match(age('2026-11-24T12:04:00Z'), { minutesLeft: 244, doubtful: false }, 'clocks are never quite the same')
  t.match(age('2026-11-24T11:00:00'), { minutesLeft: null, doubtful: true }, 'of which zone?')
  t.match(age('this morning'), { drawnAt: null, minutesLeft: null, doubtful: true })
  t.match(age('2026-13-45T99:00:00Z'), { drawnAt: null, doubtful: true })
  t.match(age(null), { drawnAt: null, minutesLeft: null, doubtful: false }, 'nothing was said')
})

t.test('whatever an app wrote, it is read or not, and nothing is thrown', async (t) => {
  const scalar = fc.oneof(
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.date().map((date) => `${date.getTime()}`),
  )
  const odd = fc.tuple(
    fc.constantFrom('+275760-09-13', '0000-01-01', '9999-12-31'),
    fc.constantFrom('T23:59:59Z', ' 23:59-23:59'),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        scalar,
        odd.map((parts) => parts.join('')),
      ),
      scalar,
      fc.integer(),
      (drawnAt, limit, offset) => {
        const { minutesLeft, drawnAt: shown } = ageOf(
          line('1', { fields: { drawnAt, stabilityMinutes: limit } }),
          now,
          offset * 1e6,
        )
        return (minutesLeft === null || Number.isInteger(minutesLeft)) && (shown === null || shown.length === 24)
      },
    ),
    { seed: 20261124, numRuns: 1000 },
  )
  t.pass('seed 20261124')
})
