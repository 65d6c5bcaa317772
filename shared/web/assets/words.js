// @ts-check
/** What the pages say: sentences, counts and times, in the language of the page. */

const language = document.documentElement.lang
const plural = new Intl.PluralRules(language)
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'always' })
const names = new Intl.ListFormat(language, { type: 'conjunction' })
const digits = new Intl.NumberFormat(language)
const megabytes = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
/** Kept: to make one takes longer than to draw a row. */
const hourAndMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const minuteMs = 60_000

/** @type {Record<string, string>} */
let messages = {}

/** Fetches the sentences; before that, `say` knows none. */
export async function loadWords() {
  messages = await (await fetch('/messages.json')).json()
}

/**
 * The sentence for a key, with its {places} filled; a number in `count` chooses the form.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  const form = typeof values.count === 'number' ? messages[`${key}.${plural.select(values.count)}`] : undefined
  return (form ?? messages[key] ?? key).replace(/\{(\w+)\}/g, (_all, name) => written(values[name] ?? ''))
}

/** Whether there is such a sentence. @param {string} key */
export function knows(key) {
  return key in messages
}

/** @param {string | number} value */
function written(value) {
  return typeof value === 'number' ? digits.format(value) : value
}

/** @param {number} count */
export function number(count) {
  return digits.format(count)
}

/** "A, B and C"; of many, the first few. @param {string[]} all */
export function listed(all) {
  const shown = all.slice(0, 3)
  return names.format(all.length > 3 ? [...shown, say('page.more', { count: all.length - 3 })] : shown)
}

/** @param {number} bytes */
export function size(bytes) {
  return `${megabytes.format(bytes / 1_000_000)} MB`
}

/** The date and the time of day, on 24 hours everywhere. @param {string} time */
export function dated(time) {
  const date = new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
  return `${date}, ${timeOfDay(time)}`
}

/**
 * The time of day, with the date when it was not today. Both times are of this laptop's own clock.
 * @param {string} time
 * @param {string} now
 */
export function moment(time, now) {
  return new Date(time).toDateString() === new Date(now).toDateString() ? timeOfDay(time) : dated(time)
}

/** @param {string} time */
function timeOfDay(time) {
  return hourAndMinute.format(new Date(time))
}

/** The time of day to the second. @param {string} time */
export function second(time) {
  return new Date(time).toLocaleTimeString('en-GB')
}

/**
 * How long ago, counted by the clock of the program; and when.
 * @param {string} time
 * @param {string} now
 */
export function ago(time, now) {
  const minutes = Math.floor((Date.parse(now) - Date.parse(time)) / minuteMs)
  const at = moment(time, now)
  if (minutes < -1) return say('time.ahead', { at })
  if (minutes < 1) return say('time.now', { at })
  return say('time.ago', { at, ago: rounded(minutes) })
}

/** @param {number} minutes */
function rounded(minutes) {
  if (minutes < 120) return relative.format(-minutes, 'minute')
  if (minutes < 48 * 60) return relative.format(-Math.round(minutes / 60), 'hour')
  return relative.format(-Math.round(minutes / 60 / 24), 'day')
}
