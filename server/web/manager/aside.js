// @ts-check
/** Changes that are here and not applied: why, and what a person can do about it. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { problem, section, sentence } from '/parts.js'
import { ago, dated, say } from '/words.js'
import { downloads } from './downloads.js'
import { button, reasonForm } from './forms.js'
import { may } from './session.js'
import { fieldList, keyText, nameOfRecord } from './values.js'

const states = ['quarantined', 'waiting', 'held', 'discarded']
const kinds = { quarantined: 'bad', waiting: 'wait', held: 'wait', discarded: 'idle' }
/** The change that is looked at closer, and what it says. */
let open = { digest: '', deed: '', /** @type {any} */ change: undefined }

/** @type {import('./parts-of-page.js').Part} */
export const asidePart = {
  name: 'aside',
  right: 'aside',
  load: ([state = 'quarantined', after = '']) =>
    ask(
      'GET',
      `/v1/manager/aside?state=${encodeURIComponent(state)}${after ? `&after=${encodeURIComponent(after)}` : ''}`,
    ),
  draw: ({ data, args: [state = 'quarantined'], state: { counts }, now }) => ({
    headline: headlineOf(counts),
    nodes: [chooser(state, counts), ...(data ? [listPart(data, state, now)] : [])],
  }),
  leave: () => {
    open = { digest: '', deed: '', change: undefined }
  },
  acts: {
    look: async ({ target }) => {
      const { digest } = target.dataset
      open = { digest, deed: '', change: await ask('GET', `/v1/manager/aside/${digest}`) }
      return { stay: true }
    },
    askDeed: async ({ target }) => {
      open = { ...open, digest: target.dataset.digest, deed: target.dataset.deed }
      return { stay: true }
    },
    close: async () => {
      open = { digest: '', deed: '', change: undefined }
      return { stay: true }
    },
    retry: (page) => decide(page, 'retry'),
    discard: (page) => decide(page, 'discard'),
  },
}

async function decide({ target, form }, deed) {
  await ask('POST', `/v1/manager/aside/${target.dataset.digest}/${deed}`, { reason: form.get('reason').trim() })
  open = { digest: '', deed: '', change: undefined }
  return { told: say(`aside.${deed}.done`) }
}

function headlineOf({ quarantined, waiting, held }) {
  const all = quarantined + waiting + held
  if (all === 0) return { kind: 'good', text: say('aside.headline.none') }
  return {
    kind: quarantined > 0 ? 'bad' : 'wait',
    text: say('aside.headline', { count: all }),
    more: [say('aside.why')],
  }
}

function chooser(chosen, counts) {
  const links = states.map((state) =>
    el(
      'li',
      { 'data-key': state },
      el(
        'a',
        { href: `#aside/${state}`, ...(state === chosen ? { 'aria-current': 'true' } : {}) },
        say(`aside.state.${state}`, { n: counts[state] }),
      ),
    ),
  )
  return el('nav', { class: 'parts', 'data-key': 'states', 'aria-label': say('aside.states') }, el('ul', {}, ...links))
}

function listPart({ aside, next }, state, now) {
  return section(
    'aside',
    say(`aside.title.${state}`),
    sentence(say(`aside.what.${state}`)),
    aside.length === 0
      ? sentence(say('aside.none'))
      : el('ul', { class: 'peers' }, ...aside.map((one) => row(one, now))),
    next === null ? null : el('p', {}, el('a', { href: `#aside/${state}/${next}` }, say('manager.more'))),
    downloads('aside'),
  )
}

function row({ digest, state, code, message, decided, producerName, since, action, ...record }, now) {
  const isOpen = open.digest === digest
  return el(
    'li',
    { class: kinds[state], 'data-key': digest },
    el('h3', {}, nameOfRecord(record)),
    el('p', { class: 'state' }, say(`action.${action}`), ' · ', el('bdi', {}, producerName), ` · ${ago(since, now)}`),
    ...problem({ code, message }),
    decided ? el('p', { class: 'state' }, say(`aside.decided.${decided}`)) : tools(digest, state, record),
    ...(isOpen ? detail(digest, state) : []),
  )
}

function tools(digest, state, { pk }) {
  const one = (act, words, more) =>
    button(act, words, { 'data-digest': digest, class: 'quiet', 'aria-label': `${words} ${pk}`, ...more })
  const isManager = may('decide')
  return el(
    'p',
    { class: 'tools' },
    may('records') ? one('look', say('aside.look'), {}) : null,
    isManager
      ? one('askDeed', say(state === 'discarded' ? 'aside.restore' : 'aside.retry'), { 'data-deed': 'retry' })
      : null,
    isManager && state !== 'discarded' ? one('askDeed', say('aside.discard'), { 'data-deed': 'discard' }) : null,
  )
}

/** What the change says, and the form of what is to be done with it. */
function detail(digest, state) {
  const { change, deed } = open
  const nodes = []
  if (change?.shown && change.digest === digest) {
    nodes.push(
      el('p', {}, say('aside.by', { name: change.user ?? '', at: dated(change.recordedAt) })),
      el('p', { class: 'label' }, keyText(change.shown.naturalKey)),
      ...fieldList(change.shown.fields, change.shown.hidden),
    )
  }
  if (deed) {
    const words = say(
      deed === 'retry' ? (state === 'discarded' ? 'aside.restore.do' : 'aside.retry.do') : 'aside.discard.do',
    )
    const meaning = sentence(say(deed === 'retry' ? 'aside.retry.means' : 'aside.discard.means'))
    nodes.push(reasonForm(deed, words, say('decide.reason'), { 'data-digest': digest }, meaning))
  }
  return [el('div', { 'data-key': 'detail' }, ...nodes, button('close', say('manager.leave'), { class: 'quiet' }))]
}
