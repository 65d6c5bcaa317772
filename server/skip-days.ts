import { WaybillError } from '../shared/service/errors.ts'
import type { Actor } from './actor.ts'
import { appendAct } from './acts.ts'
import { readFact, writeFact } from './facts.ts'
import type { ServerStore } from './open-store.ts'

/** Days on which nobody is expected to record anything: weekdays (0 is Sunday), and single days with a reason. */
export interface SkipDays {
  weekdays: number[]
  days: Array<{ day: string; reason: string }>
}

const usual = [0, 6]

export function readSkipDays(store: ServerStore): SkipDays {
  const days = store.$client
    .prepare<[], SkipDays['days'][number]>('SELECT day, reason FROM skip_days ORDER BY day')
    .all()
  return { weekdays: JSON.parse(readFact(store, 'skipWeekdays') ?? JSON.stringify(usual)), days }
}

/** Replaces them all. @throws BAD_REQUEST for what is no day, or is there twice */
export function writeSkipDays(store: ServerStore, by: Actor, next: SkipDays, now: Date): void {
  const wrong = next.days.find(({ day }, index) => !isDay(day) || next.days.findIndex((one) => one.day === day) < index)
  if (wrong) throw new WaybillError('BAD_REQUEST', `${wrong.day} is no day, or is there twice`)
  store.$client
    .transaction(() => {
      const old = readSkipDays(store)
      store.$client.prepare('DELETE FROM skip_days').run()
      const insert = store.$client.prepare('INSERT INTO skip_days (day, reason) VALUES (?, ?)')
      for (const { day, reason } of next.days) insert.run(day, reason)
      writeFact(store, 'skipWeekdays', JSON.stringify(next.weekdays))
      appendAct(store, by, { act: 'skipDays', about: 'skip days', old, new: next }, now)
    })
    .immediate()
}

/** A day of the calendar, as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const date = new Date(`${text}T00:00:00.000Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
