// @ts-check
/** Missing by day: what of each laptop's days is here, and on which days nobody was expected. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { named, section, sentence } from '/parts.js'
import { number, say } from '/words.js'
import { downloads } from './downloads.js'
import { button, field } from './forms.js'
import { may } from './session.js'

const usualDays = 14
const dayMs = 86_400_000
const signs = { some: '', none: '0', unknown: '?', skip: '·', today: '…', before: '' }
const weekdays = [1, 2, 3, 4, 5, 6, 0]
const shortDay = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' })
const weekdayName = new Intl.DateTimeFormat('en-GB', { weekday: 'long', timeZone: 'UTC' })

/** @type {import('./parts-of-page.js').Part} */
export const daysPart = {
  name: 'days',
  right: 'counts',
  load: async (args) => {
    const { from, to } = spanOf(args)
    const [days, skip] = await Promise.all([
      ask('GET', `/v1/manager/days?from=${from}&to=${to}`),
      ask('GET', '/v1/manager/skip-days'),
    ])
    return { ...days, skipDays: skip }
  },
  draw: ({ data, args }) => ({ headline: headlineOf(data), nodes: data ? nodesOf(data, spanOf(args)) : [] }),
  acts: {
    span: async ({ form }) => {
      location.hash = `#days/${form.get('from')}/${form.get('to')}`
      return { stay: true }
    },
    skipDay: async ({ form, data }) => {
      const days = [...data.skipDays.days, { day: form.get('day'), reason: form.get('reason') }]
      await put({ ...data.skipDays, days: days.toSorted((a, b) => a.day.localeCompare(b.day)) })
      return { told: say('days.saved') }
    },
    expectDay: async ({ target, data }) => {
      await put({ ...data.skipDays, days: data.skipDays.days.filter(({ day }) => day !== target.dataset.day) })
      return { told: say('days.saved') }
    },
    weekdays: async ({ form, data }) => {
      await put({ ...data.skipDays, weekdays: weekdays.filter((day) => form.get(`weekday-${day}`) !== null) })
      return { told: say('days.saved') }
    },
  },
}

function put(skip) {
  return ask('POST', '/v1/manager/skip-days', skip)
}

/** The days that the address names, or the last two weeks. @param {string[]} args */
function spanOf([from, to]) {
  const now = Date.now() - new Date().getTimezoneOffset() * 60_000
  const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10)
  return { from: from || dayOf(now - (usualDays - 1) * dayMs), to: to || dayOf(now) }
}

function headlineOf(data) {
  if (!data) return { kind: 'idle', text: say('part.days') }
  const cells = data.laptops.flatMap(({ days }) => days)
  const [none, unknown] = ['none', 'unknown'].map((wanted) => cells.filter(({ state }) => state === wanted).length)
  const more = unknown > 0 ? [say('days.headline.unknown', { count: unknown })] : []
  if (none === 0) return { kind: unknown > 0 ? 'wait' : 'good', text: say('days.headline.whole'), more }
  return { kind: 'bad', text: say('days.headline.none', { count: none }), more }
}

function nodesOf(data, { from, to }) {
  return [
    section(
      'span',
      say('days.title'),
      el(
        'form',
        { class: 'inline', 'data-do': 'span' },
        field('from', say('days.from'), { type: 'date', required: '', value: from }),
        field('to', say('days.to'), { type: 'date', required: '', value: to }),
        el('button', {}, say('days.show')),
      ),
      data.laptops.length === 0 ? sentence(say('board.laptops.none')) : grid(data),
      legend(),
      downloads('days', { from, to }),
    ),
    skipPart(data.skipDays),
  ]
}

/** The newest day first: it is what is looked for, wherever the table ends on a phone. */
function grid({ days, laptops }) {
  const heads = days
    .toReversed()
    .map(({ day, skip, isWeekend }) =>
      el('th', { scope: 'col', class: skip !== null || isWeekend ? 'skip' : '' }, shortDay.format(new Date(day))),
    )
  const rows = laptops.map(({ device, name, site, days: cells, changes }) =>
    el(
      'tr',
      { 'data-key': device },
      el('th', { scope: 'row' }, named(name), site ? ` · ${site}` : ''),
      el('td', {}, el('b', {}, number(changes))),
      ...cells.toReversed().map((cell) => dayCell(cell)),
    ),
  )
  return el(
    'div',
    { class: 'wide', tabindex: 0, role: 'group', 'aria-label': say('days.grid') },
    el(
      'table',
      { class: 'days' },
      el('caption', {}, say('days.grid')),
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('th', { scope: 'col' }, say('head.laptop')),
          el('th', { scope: 'col' }, say('head.all')),
          ...heads,
        ),
      ),
      el('tbody', {}, ...rows),
    ),
  )
}

/** Never by colour alone: a sign, and words for who hears the page. */
function dayCell({ changes, state }) {
  if (state === 'some') return el('td', {}, number(changes))
  const words = say(`days.state.${state}`)
  return el(
    'td',
    { class: state },
    el('span', { 'aria-hidden': 'true' }, signs[state]),
    el('span', { class: 'heard' }, words),
  )
}

function legend() {
  const rows = ['none', 'unknown', 'skip', 'today'].flatMap((state) => [
    el('dt', { class: `days ${state}` }, signs[state]),
    el('dd', {}, say(`days.state.${state}`)),
  ])
  return el('dl', { class: 'legend' }, ...rows)
}

function skipPart({ weekdays: chosen, days }) {
  const isManager = may('decide')
  const rows = days.map(({ day, reason }) =>
    el(
      'li',
      { 'data-key': day },
      `${shortDay.format(new Date(day))} ${day.slice(0, 4)}: ${reason} `,
      isManager
        ? button('expectDay', say('days.expect'), {
            'data-day': day,
            class: 'quiet',
            'aria-label': `${say('days.expect')} ${day}`,
          })
        : null,
    ),
  )
  return section(
    'skip',
    say('days.skip'),
    sentence(say('days.skip.why')),
    isManager ? weekdayForm(chosen) : sentence(chosen.map(dayName).join(', ')),
    rows.length === 0 ? sentence(say('days.skip.none')) : el('ul', { class: 'plain' }, ...rows),
    isManager ? skipForm() : null,
  )
}

function weekdayForm(chosen) {
  const boxes = weekdays.map((day) =>
    el(
      'label',
      { class: 'tick' },
      el('input', { type: 'checkbox', name: `weekday-${day}`, ...(chosen.includes(day) ? { checked: '' } : {}) }),
      dayName(day),
    ),
  )
  return el(
    'form',
    { class: 'inline', 'data-do': 'weekdays', 'data-key': 'weekdays' },
    el('fieldset', {}, el('legend', {}, say('days.weekdays')), ...boxes),
    el('button', {}, say('manager.save')),
  )
}

function skipForm() {
  return el(
    'form',
    { class: 'inline', 'data-do': 'skipDay', 'data-key': 'skipDay' },
    field('day', say('days.day'), { type: 'date', required: '' }),
    field('reason', say('days.reason'), { required: '', maxlength: 200 }),
    el('button', {}, say('days.add')),
  )
}

/** The name of a weekday; 4 January 1970 was a Sunday. @param {number} day */
function dayName(day) {
  return weekdayName.format(new Date((3 + day) * dayMs))
}
