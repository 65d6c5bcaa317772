// @ts-check
/** All requisitions of all laptops, searched by the program, a page at a time. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { redraw } from '/frame.js'
import { button } from '/handover-parts.js'
import { problem, sentence, table } from '/parts.js'
import { say } from '/words.js'

const typingMs = 250
const fields = ['subject', 'requisition', 'specimen']

const query = { text: '', subject: '', requisition: '', specimen: '', laptop: '', date: '', confirmed: '', page: '1' }
let found = null
let trouble = null
let asked = ''
let typing = 0

/** Listens to the filters; called once. */
export function startInspector() {
  const read = ({ target }) => {
    const name = target.dataset?.filter
    if (!name) return
    query[name] = target.value
    query.page = '1'
    clearTimeout(typing)
    typing = setTimeout(look, typingMs)
  }
  document.addEventListener('input', read)
  document.addEventListener('change', read)
  document.addEventListener('click', ({ target }) => {
    const page = target.closest?.('[data-page]')?.dataset.page
    if (!page) return
    query.page = page
    void look()
  })
}

/** The list, when the address asks for it; null otherwise. */
export function inspectorPage() {
  if (location.hash !== '#requisitions') return null
  if (asked === '') void look()
  return [
    el('nav', { 'data-key': 'back', 'aria-label': say('nav.title') }, el('a', { href: '#' }, say('nav.back'))),
    el('header', { class: 'top idle', 'data-key': 'top' }, el('h1', {}, say('inspect.title'))),
    filters(),
    ...(trouble ? [el('div', { class: 'box bad', 'data-key': 'trouble' }, ...problem(trouble))] : []),
    ...(found ? results() : [sentence(say('inspect.asking'))]),
  ]
}

/** On a telephone the filters would hide what they find. */
function filters() {
  const isWide = matchMedia('(min-width: 40rem)').matches
  return el(
    'form',
    { role: 'search', 'data-key': 'filters' },
    el('div', { class: 'filters' }, textFilter('text')),
    el(
      'details',
      isWide ? { open: '' } : {},
      el('summary', {}, say('inspect.filters')),
      el('div', { class: 'filters' }, ...fields.map(textFilter), ...choices(), day()),
    ),
  )
}

async function look() {
  const address = `/v1/lines?${new URLSearchParams(query)}`
  asked = address
  try {
    const answer = await ask('GET', address)
    // What was typed meanwhile has been asked for too, and is what the reader wants.
    if (asked !== address) return
    found = answer
    trouble = null
  } catch (error) {
    trouble = error
  }
  redraw()
}

function textFilter(name) {
  const words = say(name === 'text' ? 'inspect.search' : `inspect.${name}`)
  return el(
    'p',
    {},
    el('label', { for: `filter-${name}` }, words),
    el('input', { id: `filter-${name}`, 'data-filter': name, type: 'search', maxlength: 100, autocomplete: 'off' }),
  )
}

function choices() {
  const laptops = (found?.laptops ?? []).map(({ device, name }) => [device, name])
  const confirmed = ['yes', 'no'].map((value) => [value, say(`inspect.${value}`)])
  return [select('laptop', laptops), select('confirmed', confirmed)]
}

function select(name, options) {
  const all = [['', say('inspect.any')], ...options]
  return el(
    'p',
    {},
    el('label', { for: `filter-${name}` }, say(`inspect.${name}`)),
    el(
      'select',
      { id: `filter-${name}`, 'data-filter': name },
      ...all.map(([value, words]) => el('option', { value, 'data-key': value }, words)),
    ),
  )
}

function day() {
  return el(
    'p',
    {},
    el('label', { for: 'filter-date' }, say('inspect.date')),
    el('input', { id: 'filter-date', 'data-filter': 'date', type: 'date' }),
  )
}

function results() {
  const heads = ['requisition', 'subject', 'specimen', 'laptop', 'date', 'confirmed'].map((name) =>
    say(`inspect.${name}`),
  )
  return [
    el('p', { role: 'status', 'data-key': 'found' }, say('inspect.found', { count: found.total })),
    table(say('inspect.title'), heads, found.lines.map(cells), say('inspect.none')),
    el('p', { class: 'choices', 'data-key': 'pages' }, ...pages()),
  ]
}

function cells({ requisition, subject, panel, specimenType, laptop, drawnAt, isDrawn, confirmed }) {
  const undrawn = isDrawn !== null && /^(no|n|false|0)$/i.test(isDrawn)
  return [
    requisition ?? say('inspect.unlabelled'),
    subject ?? '',
    [panel, specimenType].filter(Boolean).join(' · '),
    laptop,
    undrawn ? say('inspect.notDrawn') : (drawnAt ?? '').slice(0, 16).replace('T', ' '),
    say(confirmed ? 'inspect.yes' : 'inspect.no'),
  ]
}

function pages() {
  const { page, pages } = found
  return [
    ...(page > 1 ? [button(say('inspect.earlier'), { 'data-page': String(page - 1) })] : []),
    el('span', {}, say('inspect.pages', { page, pages })),
    ...(page < pages ? [button(say('inspect.later'), { 'data-page': String(page + 1) })] : []),
  ]
}
