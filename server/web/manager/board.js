// @ts-check
/** The evening's board: which laptop is clear, which has something that is not here, which nobody has seen. */

import { el } from '/elements.js'
import { figure, figures, named, section, sentence } from '/parts.js'
import { ago, listed, moment, say } from '/words.js'
import { downloads } from './downloads.js'
import { may } from './session.js'

const kinds = { clear: 'good', undelivered: 'wait', notSeen: 'bad', never: 'bad', revoked: 'idle' }
const signs = { clear: '✓', undelivered: '…', notSeen: '?', never: '?', revoked: '×' }

/** @type {import('./parts-of-page.js').Part} */
export const boardPart = {
  name: 'board',
  right: 'counts',
  draw: ({ state, now }) => {
    const laptops = state.board.filter(({ role }) => role === 'field')
    const drivers = state.board.filter(({ role }) => role === 'relay')
    return {
      headline: headlineOf(laptops),
      nodes: [
        figures(say('board.journey'), arrivedFigures(state.counts)),
        section(
          'laptops',
          say('board.laptops'),
          laptops.length === 0 ? sentence(say('board.laptops.none')) : list(laptops, now),
          laptops.length === 0 ? null : sentence(say('board.honest')),
          downloads('board'),
        ),
        section(
          'drivers',
          say('board.drivers'),
          drivers.length === 0 ? sentence(say('board.drivers.none')) : driverList(drivers, now),
        ),
      ],
    }
  },
}

function headlineOf(laptops) {
  const open = laptops.filter(({ state }) => state === 'undelivered' || state === 'notSeen' || state === 'never')
  if (laptops.length === 0) return { kind: 'idle', text: say('board.headline.none') }
  if (open.length === 0) return { kind: 'good', text: say('board.headline.clear', { count: laptops.length }) }
  const names = listed(open.map(({ name }) => name))
  return { kind: 'wait', text: say('board.headline.open', { count: open.length, of: laptops.length }), more: [names] }
}

/** Arrived is not opened, opened is not applied: each has its own count. */
function arrivedFigures({ opened, applied, waiting, held, quarantined, conflicts, duplicates, notOpened }) {
  const person = conflicts + duplicates + quarantined + held + notOpened
  const more = ['notOpened', 'conflicts', 'duplicates', 'quarantined', 'held']
  const counts = { notOpened, conflicts, duplicates, quarantined, held }
  return [
    figure(opened, say('board.opened'), 'work', [say('board.opened.why')]),
    figure(applied, say('board.applied'), 'good', [say('board.applied.why')]),
    figure(waiting, say('board.waiting'), 'wait', [say('board.waiting.why')]),
    figure(
      person,
      say('board.person'),
      'bad',
      more.filter((key) => counts[key] > 0).map((key) => say(`board.person.${key}`, { n: counts[key] })),
    ),
  ]
}

function list(laptops, now) {
  return el('ul', { class: 'peers' }, ...laptops.map((laptop) => row(laptop, now)))
}

function row({ device, name, site, state, lastMet, ...laptop }, now) {
  return el(
    'li',
    { class: kinds[state], 'data-key': device },
    el('h3', {}, named(name), site ? ` · ${site}` : ''),
    el(
      'p',
      { class: 'state' },
      el('span', { 'aria-hidden': 'true' }, `${signs[state]} `),
      say(`board.state.${state}`, { since: lastMet ? moment(lastMet.at, now) : '' }),
    ),
    laptop.changesAtMost > 0 ? sentence(notHere(laptop, now)) : null,
    laptop.mayBeWith.length > 0 ? sentence(say('board.mayBeWith', { names: listed(laptop.mayBeWith) })) : null,
    laptop.notOpened > 0 ? sentence(say('board.notOpened', { count: laptop.notOpened })) : null,
    lastMet ? sentence(metWords(lastMet, now)) : null,
    may('counts') ? el('p', {}, el('a', { href: `#loss/${device}` }, say('board.loss', { name }))) : null,
  )
}

/** Up to how much is known not to be here, and of what. */
export function notHere({ changesAtMost, numbers, unsealed, hereUntil }, now) {
  const words = [
    hereUntil
      ? say('loss.upTo', { count: changesAtMost, since: moment(hereUntil, now) })
      : say('loss.upTo.all', { count: changesAtMost }),
  ]
  if (numbers > 0) words.push(say('loss.numbers', { count: numbers }))
  if (unsealed > 0) words.push(say('loss.unsealed', { count: unsealed }))
  return words.join(' ')
}

/** Who met it last, when, by whose clock, and what it told of then. */
export function metWords({ isHere, byName, at, unsealed }, now) {
  const when = ago(at, now)
  const met = isHere ? say('met.here', { when }) : say('met.by', { name: byName, when })
  return unsealed > 0 ? `${met} ${say('met.unsealed', { count: unsealed })}` : met
}

function driverList(drivers, now) {
  const rows = drivers.map(({ device, name, state, lastMet }) =>
    el(
      'li',
      { class: state === 'revoked' ? 'idle' : lastMet ? 'good' : 'wait', 'data-key': device },
      el('h3', {}, named(name)),
      el(
        'p',
        { class: 'state' },
        state === 'revoked'
          ? say('board.state.revoked')
          : lastMet
            ? say('met.here', { when: ago(lastMet.at, now) })
            : say('board.state.never'),
      ),
    ),
  )
  return el('ul', { class: 'peers' }, ...rows)
}
