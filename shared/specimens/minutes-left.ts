import type { OpenLine } from '../protocol/requisition-line.ts'

const minute = 60_000
/** Two clocks are never quite the same. */
const leeway = 5 * minute
const zoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/i
const unzoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?$/

/** How old a tube is: when it was drawn, by this laptop's clock, and the whole minutes until it is too old. */
export interface TubeAge {
  drawnAt: string | null
  /** Below zero where it is too old; null without a limit, and where the time is not to be believed. */
  minutesLeft: number | null
  doubtful: boolean
}

/**
 * The age of a tube by offset-corrected time. A time that the laptop itself contradicts, that lies in its future, or that names no
 * time zone is doubtful: a person must ask.
 * @param now this laptop's time
 * @param offset what is to be added to it to have the time of the laptop that drew the tube, in milliseconds
 */
export function ageOf({ fields, doubtful }: OpenLine, now: Date, offset: number): TubeAge {
  const told = typeof fields.drawnAt === 'string' ? fields.drawnAt.trim() : ''
  const isZoned = zoned.test(told)
  const drawn = isZoned ? Date.parse(told) : unzoned.test(told) ? Date.parse(`${told.replace(' ', 'T')}Z`) : Number.NaN
  const here = new Date(drawn - offset)
  if (Number.isNaN(here.getTime())) return { drawnAt: null, minutesLeft: null, doubtful: doubtful || told !== '' }
  const isDoubtful = doubtful || !isZoned || here.getTime() > now.getTime() + leeway
  const limit = limitOf(fields.stabilityMinutes)
  const left = limit === null ? null : Math.floor((here.getTime() - now.getTime()) / minute + limit)
  return { drawnAt: shown(here), minutesLeft: isDoubtful ? null : left, doubtful: isDoubtful }
}

/** Years of five digits have another form, which no page and no schema takes. */
function shown(date: Date): string | null {
  const text = date.toISOString()
  return text.length === 24 ? text : null
}

function limitOf(told: OpenLine['fields']['stabilityMinutes']): number | null {
  const limit = typeof told === 'string' && /^\s*\d{1,9}\s*$/.test(told) ? Number(told) : told
  return typeof limit === 'number' && Number.isFinite(limit) && limit >= 0 && limit < 1e9 ? limit : null
}
