import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { dayOf } from './calendar.ts'
import { type BoardContext, checkInBoard, timeOf } from './check-in.ts'
import { isDay, readSkipDays } from './skip-days.ts'

/**
 * What a day of a laptop looks like from here. `none`: nothing was recorded, and the laptop was heard of since. `unknown`: nothing is here, and it
 * was not heard of since, or has something that is not here. `skip`: nobody was expected. `before`: before its first day.
 */
export type DayState = 'some' | 'none' | 'unknown' | 'skip' | 'today' | 'before'

/** One laptop's days. */
export interface LaptopDays {
  device: string
  name: string
  site: string | null
  days: Array<{ day: string; changes: number; state: DayState }>
  changes: number
}

/** The report, its days in order. */
export interface MissingByDay {
  from: string
  to: string
  days: Array<{ day: string; skip: string | null; isWeekend: boolean }>
  laptops: LaptopDays[]
}

/** What is asked for: both ends included; `model` null for all. */
export interface DayQuery {
  from: string
  to: string
  model: string | null
}

const mostDays = 92
const dayMs = 86_400_000

/** What arrived of each laptop, by the day of its own clock. @throws BAD_REQUEST for what is no span of at most 92 days */
export function missingByDay(
  context: BoardContext,
  study: StudyDocument,
  query: DayQuery,
  today: string,
): MissingByDay {
  const { from, to } = query
  const days = daysOf(from, to)
  const skip = readSkipDays(context.store)
  const reasons = new Map(skip.days.map(({ day, reason }) => [day, reason]))
  const heads = days.map((day) => ({
    day,
    skip: reasons.get(day) ?? null,
    isWeekend: skip.weekdays.includes(new Date(`${day}T00:00:00.000Z`).getUTCDay()),
  }))
  const counted = countsOf(context, query)
  const first = firstDays(context)
  const laptops = checkInBoard(context, study, today)
    .filter(({ role }) => role === 'field')
    .map(({ device, name, site, lastMet, changesAtMost, hereUntil }) => {
      const heard = lastMet ? dayOf(timeOf(lastMet)) : ''
      const whole = changesAtMost === 0 ? heard : hereUntil === null ? '' : dayOf(hereUntil)
      const cells = heads.map((head) => {
        const changes = counted.get(`${device} ${head.day}`) ?? 0
        const isKnown = heard > head.day && whole > head.day
        return { day: head.day, changes, state: stateOf(head, changes, first.get(device), isKnown, today) }
      })
      return { device, name, site, days: cells, changes: cells.reduce((sum, { changes }) => sum + changes, 0) }
    })
    .toSorted((a, b) => (a.site ?? '').localeCompare(b.site ?? '') || a.name.localeCompare(b.name))
  return { from, to, days: heads, laptops }
}

function stateOf(
  { day, skip, isWeekend }: MissingByDay['days'][number],
  changes: number,
  first: string | undefined,
  isKnown: boolean,
  today: string,
): DayState {
  if (changes > 0) return 'some'
  if (first === undefined || day < first) return 'before'
  if (skip !== null || isWeekend) return 'skip'
  if (day >= today) return 'today'
  return isKnown ? 'none' : 'unknown'
}

function daysOf(from: string, to: string): string[] {
  const span = isDay(from) && isDay(to) ? (Date.parse(to) - Date.parse(from)) / dayMs + 1 : 0
  if (span < 1 || span > mostDays) throw new WaybillError('BAD_REQUEST', `from, to: a span of 1 to ${mostDays} days`)
  return Array.from({ length: span }, (_, index) =>
    new Date(Date.parse(from) + index * dayMs).toISOString().slice(0, 10),
  )
}

interface Pair {
  producer: string
  model: string
}

/** Each laptop with each of its models, found without reading the days between: the cost does not grow with history. */
function* pairsOf({ store }: BoardContext): Generator<Pair> {
  const next = store.$client.prepare<[string, string], Pair>(
    'SELECT producer, model FROM changes_by_day WHERE (producer, model) > (?, ?) ORDER BY producer, model LIMIT 1',
  )
  for (let pair = next.get('', ''); pair; pair = next.get(pair.producer, pair.model)) yield pair
}

function countsOf(context: BoardContext, { from, to, model }: DayQuery): Map<string, number> {
  const counted = new Map<string, number>()
  const find = context.store.$client.prepare<[string, string, string, string], { day: string; changes: number }>(
    'SELECT day, changes FROM changes_by_day WHERE producer = ? AND model = ? AND day >= ? AND day <= ?',
  )
  for (const pair of pairsOf(context)) {
    if (model !== null && pair.model !== model) continue
    for (const { day, changes } of find.all(pair.producer, pair.model, from, to)) {
      const key = `${pair.producer} ${day}`
      counted.set(key, (counted.get(key) ?? 0) + changes)
    }
  }
  return counted
}

function firstDays(context: BoardContext): Map<string, string> {
  const first = new Map<string, string>()
  const find = context.store.$client.prepare<[string, string], { day: string }>(
    'SELECT min(day) day FROM changes_by_day WHERE producer = ? AND model = ?',
  )
  for (const { producer, model } of pairsOf(context)) {
    const { day } = find.get(producer, model) ?? { day: '' }
    const known = first.get(producer)
    if (known === undefined || day < known) first.set(producer, day)
  }
  return first
}
