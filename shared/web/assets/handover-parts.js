// @ts-check
/** What a handover looks like: the answer, the question, the tube that comes next, and the list. */

import { el } from './elements.js'
import { section, sentence } from './parts.js'
import { moment, number, say } from './words.js'

/** A tube's state at a glance: never by colour alone. @type {Record<string, { kind: string, sign: string }>} */
const looks = {
  present: { kind: 'good', sign: '✓' },
  notYetScanned: { kind: 'idle', sign: '…' },
  waiting: { kind: 'idle', sign: '…' },
  missing: { kind: 'wait', sign: '–' },
  unexpected: { kind: 'bad', sign: '!' },
  anotherLaptop: { kind: 'wait', sign: '→' },
  notDrawn: { kind: 'bad', sign: '∅' },
  changed: { kind: 'wait', sign: '≠' },
}
/** The same for an answer. @type {Record<string, { kind: string, sign: string }>} */
const answers = {
  ...looks,
  again: { kind: 'work', sign: '?' },
  counted: { kind: 'good', sign: '✓' },
  remarked: { kind: 'good', sign: '✓' },
  temperature: { kind: 'good', sign: '✓' },
  signed: { kind: 'good', sign: '✓' },
  undone: { kind: 'work', sign: '↶' },
  askReason: { kind: 'work', sign: '?' },
  askSign: { kind: 'work', sign: '?' },
  nothingToUndo: { kind: 'bad', sign: '×' },
  notUnderstood: { kind: 'bad', sign: '×' },
  notSaved: { kind: 'bad', sign: '×' },
}
const mostRows = 60
/** Less than this is told as running out. */
const soonMinutes = 60

/** @type {Set<string>} */
const opened = new Set()

/** How many are in the hand, or were read, other than the data says. @param {any} counts */
export function notAsListed({ unexpected, anotherLaptop, notDrawn, changed }) {
  return unexpected + anotherLaptop + notDrawn + changed
}

/** Shows all rows of a group from now on. @param {string} group */
export function openGroup(group) {
  opened.add(group)
}

/** A button; the page hears what it is to do. @param {string} words @param {Record<string, string>} what */
export function button(words, what) {
  return el('button', { type: 'button', ...what }, words)
}

/**
 * What the last scan or deed was answered with, in words that are read from an arm's length.
 * @param {any} told
 * @param {boolean} isAsking a question about the same tube follows, and tells its line
 */
export function answerBox(told, isAsking) {
  const { kind, sign } = answers[told?.told] ?? { kind: 'idle', sign: '' }
  const words = told
    ? say(`answer.${told.told}`, { laptop: told.tube?.laptop ?? say('tube.someLaptop') })
    : say('answer.none')
  return el(
    'div',
    { class: `answer ${kind}`, 'data-key': 'answer', role: 'status', 'aria-live': 'assertive' },
    el('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    el(
      'div',
      {},
      el('strong', {}, words),
      told?.tube && !isAsking ? el('p', {}, ...lineOf(told.tube)) : null,
      told?.tube?.isShort && !isAsking ? el('p', {}, inHand(told.tube)) : null,
      told?.tube?.alsoWith ? el('p', {}, say('tube.alsoWith', { name: told.tube.alsoWith })) : null,
      told?.told === 'notSaved'
        ? el('p', {}, say('answer.notSaved.why', { read: told.read || say('answer.thisAct') }))
        : null,
    ),
  )
}

/**
 * The question that waits: how many labels, or why; each choice has its digit.
 * @param {any} question
 * @param {HTMLElement} reasons
 * @param {boolean} needsWords
 */
export function questionBox({ ask, tube }, reasons, needsWords) {
  const title =
    ask === 'count' ? say('question.count', { count: tube.tubes ?? 1 }) : say(`question.${ask}`, { label: tube.label })
  return el(
    'section',
    { class: 'question', 'data-key': 'question', 'aria-labelledby': 'question' },
    el('h2', { id: 'question' }, title),
    el('p', {}, ...lineOf(tube)),
    ask === 'count' ? counts(tube) : reasons,
    ...(ask === 'count' ? [] : [ownWords(needsWords)]),
    button(say('question.leave'), { 'data-do': 'leave', class: 'quiet' }),
  )
}

/** @param {any} tube */
function counts(tube) {
  const most = Math.min(Math.max((tube.tubes ?? 1) + 1, 3), 9)
  const digits = Array.from({ length: most + 1 }, (_, digit) => digit)
  const buttons = digits.map((digit) => button(number(digit), { 'data-do': 'count', 'data-number': String(digit) }))
  return el('div', { class: 'choices digits' }, ...buttons)
}

/** @param {boolean} needed */
function ownWords(needed) {
  return el(
    'form',
    { class: 'field', 'data-do': 'ownWords' },
    el('label', { for: 'own-words' }, say(needed ? 'question.wordsNeeded' : 'question.words')),
    el('input', { id: 'own-words', type: 'text', maxlength: 200, autocomplete: 'off' }),
  )
}

/** The tube that nobody has said anything of yet and that comes first. @param {any[]} tubes @param {string} now */
export function nextTube(tubes, now) {
  const waiting = tubes.filter(({ state }) => state === 'notYetScanned')
  const [next] = waiting
  if (!next) return section('next', say('next.title'), sentence(say('next.none')))
  const box = section(
    'next',
    say('next.title'),
    el('p', { class: 'label' }, next.label),
    el('p', {}, ...lineOf(next, false)),
    el('p', { class: 'age' }, ...ageOf(next, now)),
  )
  box.classList.add('next')
  return box
}

/**
 * What a person must look at comes first, then what nobody has scanned yet, then what is there.
 * @param {{ tubes: any[], unlisted: number, isClosed: boolean }} view
 * @param {string} now
 */
export function tubeList({ tubes, unlisted, isClosed }, now) {
  const isPresent = ({ state, isShort, alsoWith }) => state === 'present' && !isShort && alsoWith === null
  const notYet = ({ state }) => state === 'notYetScanned'
  const toLookAt = tubes.filter((tube) => !isPresent(tube) && !notYet(tube))
  return [
    group('look', toLookAt, 0, isClosed, now),
    group('notYet', tubes.filter(notYet), unlisted, isClosed, now),
    group('there', tubes.filter(isPresent), 0, isClosed, now),
  ]
}

/**
 * @param {string} key
 * @param {any[]} tubes
 * @param {number} unlisted how many more there are
 * @param {boolean} isClosed
 * @param {string} now
 */
function group(key, tubes, unlisted, isClosed, now) {
  const title = say(`tubes.${key}`, { n: tubes.length + unlisted })
  const rows = tubes.length === 0 ? [sentence(say(`tubes.${key}.none`))] : tubeRows(key, tubes, isClosed, now)
  const rest = unlisted > 0 ? [sentence(say('tubes.unlisted', { count: unlisted }))] : []
  return section(`tubes-${key}`, title, ...rows, ...rest)
}

/**
 * Tubes in their order; of many, the first ones and a button for the rest.
 * @param {string} key
 * @param {any[]} tubes
 * @param {boolean} isClosed nothing more is to be said of them
 * @param {string} now
 */
export function tubeRows(key, tubes, isClosed, now) {
  const shown = opened.has(key) ? tubes : tubes.slice(0, mostRows)
  const left = tubes.length - shown.length
  return [
    el('ul', { class: 'tubes' }, ...shown.map((tube) => row(tube, isClosed, now))),
    ...(left > 0 ? [button(say('tubes.more', { count: left }), { 'data-do': 'more', 'data-group': key })] : []),
  ]
}

/** Of one tube: its label, its state with its sign, its line, its age, and what can be said of it. @param {any} tube @param {boolean} isClosed @param {string} now */
export function row(tube, isClosed, now) {
  const isOdd = tube.isShort || tube.alsoWith
  const { kind, sign } = isOdd ? { kind: 'wait', sign: '≠' } : (looks[tube.state] ?? { kind: 'idle', sign: '' })
  const key = tube.line ? `${tube.line.model} ${tube.line.pk}` : `stray ${tube.label}`
  const age = ageOf(tube, now)
  return el(
    'li',
    { class: kind, 'data-key': key },
    el('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    el('h3', {}, tube.label),
    el('p', { class: 'state' }, stateOf(tube)),
    el('p', {}, ...lineOf(tube, false)),
    age.length > 0 ? el('p', { class: 'age' }, ...age) : null,
    isClosed ? null : sayWhy(tube, key),
  )
}

/** @param {any} tube @param {string} key */
function sayWhy({ state, label }, key) {
  const isWaiting = state === 'notYetScanned'
  const words = say(isWaiting ? 'tube.sayMissing' : 'tube.remark')
  return button(words, { 'data-do': 'why', 'data-tube': key, 'aria-label': `${label}: ${words}`, class: 'quiet' })
}

/** @param {any} tube */
export function stateOf({ state, laptop, alsoWith, isShort, reason, reasonWords, text, ...tube }) {
  const words = [say(`tube.${state}`, { laptop: laptop ?? say('tube.someLaptop') })]
  if (alsoWith) words.push(say('tube.alsoWith', { name: alsoWith }))
  if (isShort || (tube.counted ?? 0) > 1) words.push(inHand({ isShort, ...tube }))
  if (reason) words.push(text ? `${reasonWords ?? reason}: ${text}` : (reasonWords ?? reason))
  return words.join(' · ')
}

/** @param {any} tube */
function inHand({ tubes, counted }) {
  return say('tube.inHand', { counted: counted ?? 0, tubes: tubes ?? 1 })
}

/** Subject, panel and tube as the data has them; text of others is only ever text. @param {any} tube @param {boolean} [withLabel] */
function lineOf({ label, subject, panel, specimenType, tubes }, withLabel = true) {
  const parts = [subject, panel, specimenType].filter((part) => part !== null && part !== '')
  if (tubes !== null && tubes !== 1) parts.push(say('tube.labels', { count: tubes }))
  const shown = parts.flatMap((part, index) => [index > 0 ? ' · ' : '', el('bdi', {}, String(part))])
  return withLabel ? [el('b', { class: 'label' }, label), ' ', ...shown] : shown
}

/** Minutes left, and when it was drawn. @param {any} tube @param {string} now */
export function ageOf({ minutesLeft, doubtful, drawnAt }, now) {
  const drawn = drawnAt ? [say('tube.drawn', { at: moment(drawnAt, now) })] : []
  if (doubtful) return [el('strong', { class: 'wait' }, say('tube.doubtful')), ...drawn.map((words) => ` · ${words}`)]
  if (minutesLeft === null) return drawn
  const kind = minutesLeft < 0 ? 'bad' : minutesLeft < soonMinutes ? 'wait' : ''
  const words =
    minutesLeft < 0 ? say('tube.over', { time: spell(-minutesLeft) }) : say('tube.left', { time: spell(minutesLeft) })
  return [el('strong', kind ? { class: kind } : {}, words), ...drawn.map((text) => ` · ${text}`)]
}

/** @param {number} minutes */
export function spell(minutes) {
  if (minutes < 120) return say('time.minutes', { count: minutes })
  if (minutes < 48 * 60) return say('time.hours', { count: Math.floor(minutes / 60), minutes: minutes % 60 })
  return say('time.days', { count: Math.floor(minutes / 60 / 24) })
}
