// @ts-check
/** The parts that the pages have in common. */

import { el } from './elements.js'
import { ago, dated, knows, number, say } from './words.js'

/** An old laptop draws a page again up to four times a second. */
const mostRows = 200

/** What a part means at a glance: done and covered by receipts, going on, worth a look, wrong, or nothing to tell. */
/** @typedef {'good' | 'work' | 'wait' | 'bad' | 'idle'} Kind */

/** A name that a person gave to a device. @param {string} name */
export function named(name) {
  return el('bdi', {}, el('b', {}, name))
}

/**
 * Whose page this is, and the one sentence that matters, with what to know or to do about it.
 * @param {{ name: string, role: string, studyName: string }} status
 * @param {{ kind: Kind, text: string, more?: string[] }} headline
 */
export function top({ name, role, studyName }, { kind, text, more = [] }) {
  return el(
    'header',
    { class: `top ${kind}`, 'data-key': 'top' },
    el('p', { class: 'whose' }, named(name), ` · ${say(`role.${role}`)} · `, el('bdi', {}, studyName)),
    el('h1', {}, text),
    ...more.map((sentence) => el('p', {}, sentence)),
  )
}

/**
 * A count with its word, and sentences that say more.
 * @param {number} count
 * @param {string} word
 * @param {Kind} kind
 * @param {string[]} sentences
 */
export function figure(count, word, kind, sentences) {
  return el(
    'li',
    { class: count > 0 ? kind : 'idle' },
    el('b', number(count).length > 6 ? { class: 'long' } : {}, number(count)),
    el('strong', {}, word),
    ...sentences.map((sentence) => el('span', {}, sentence)),
  )
}

/**
 * Figures in the order of the journey.
 * @param {string} title
 * @param {HTMLElement[]} all
 */
export function figures(title, all) {
  return el('ol', { class: 'figures', 'aria-label': title, 'data-key': 'figures' }, ...all)
}

/**
 * A part of the page under its heading.
 * @param {string} key
 * @param {string} title
 * @param {...(Node | null)} children
 */
export function section(key, title, ...children) {
  return el('section', { 'data-key': key, 'aria-labelledby': key }, el('h2', { id: key }, title), ...children)
}

/** @param {string} text */
export function sentence(text) {
  return el('p', {}, text)
}

/**
 * A table; no rows say so in words. Where there is no room for columns each row becomes a list, which the roles keep a table.
 * @param {string} title
 * @param {string[]} heads
 * @param {(string | Node)[][]} rows
 * @param {string} none
 */
export function table(title, heads, rows, none) {
  if (rows.length === 0) return sentence(none)
  const head = heads.map((text) => el('th', { scope: 'col', role: 'columnheader' }, text))
  const shown = rows.slice(0, mostRows).map((cells) => tableRow(heads, cells))
  return el(
    'div',
    {},
    el(
      'table',
      { role: 'table', 'aria-label': title },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...head)),
      el('tbody', { role: 'rowgroup' }, ...shown),
    ),
    rows.length > mostRows ? sentence(say('page.more', { count: rows.length - mostRows })) : null,
  )
}

/**
 * @param {string[]} heads
 * @param {(string | Node)[]} cells
 */
function tableRow(heads, [first = '', ...cells]) {
  const rest = cells.map((cell, index) => el('td', { role: 'cell', 'data-head': heads[index + 1] ?? '' }, cell))
  return el('tr', { role: 'row' }, el('th', { scope: 'row', role: 'rowheader' }, first), ...rest)
}

/**
 * What went wrong: first what to do, then what to read out to whoever helps.
 * @param {{ code: string, message: string | null, hint?: string }} error
 */
export function problem({ code, message, hint }) {
  const todo = knows(`hint.${code}`) ? say(`hint.${code}`) : hint
  return [
    ...(todo ? [el('p', { class: 'todo' }, todo)] : []),
    el('p', { class: 'detail' }, message ? say('problem.detail', { code, message }) : code),
  ]
}

/**
 * The last problem of a program; it stands first and in a box while nothing has gone well since.
 * @param {{ code: string, message: string, hint: string, at: string, about: string } | null} error
 * @param {string} about
 * @param {string} now
 * @param {boolean} isNew
 */
export function lastProblem(error, about, now, isNew) {
  if (!error) return section('problem', say('problem.last'), sentence(say('problem.none')))
  const when = ago(error.at, now)
  const box = section(
    'problem',
    say(isNew ? 'problem.now' : 'problem.last'),
    ...problem(error),
    el('p', { class: 'detail' }, about ? say('problem.about', { about, when }) : when),
  )
  if (isNew) box.classList.add('box', 'bad')
  return box
}

/**
 * What someone who helps by telephone asks for, and by which clock this page tells the time.
 * @param {any} status
 * @param {string} now
 */
export function support(status, now) {
  const facts = [
    [say('support.name'), status.name],
    [say('support.role'), say(`role.${status.role}`)],
    [say('support.device'), status.device],
    [say('support.study'), `${status.studyName} (${status.study.slice(0, 8)})`],
    [say('support.version'), number(status.studyVersion)],
    [say('support.ports'), Object.values(status.ports).join(', ')],
  ]
  const list = facts.flatMap(([term = '', fact = '']) => [el('dt', {}, term), el('dd', {}, fact)])
  return el(
    'footer',
    { 'data-key': 'support' },
    el('p', {}, say('page.clock', { now: dated(now) })),
    el('details', {}, el('summary', {}, say('support.title')), el('dl', {}, ...list)),
  )
}
