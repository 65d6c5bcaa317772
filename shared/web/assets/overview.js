// @ts-check
/** What the first screen of a laptop tells of tubes: with whom, how many, and may I leave? */

import { desk, follow } from './desk.js'
import { el } from './elements.js'
import { button, notAsListed } from './handover-parts.js'
import { named, section, sentence } from './parts.js'
import { shiftPart, signedWords } from './signing.js'
import { listed, moment, say } from './words.js'

const lowPercent = 20

/**
 * The laptops or drivers of today, and how far each handover is; those of earlier days stand below.
 * @param {any} status
 * @param {string} now
 */
export function partnersPart(status, now) {
  if (!status.handover) return []
  follow(status.handover)
  const { overview } = desk
  if (!overview) return []
  const { side } = status.handover
  const today = overview.partners.filter((partner, index) => isOfToday(partner, index, now))
  const earlier = overview.partners.filter((partner) => !today.includes(partner))
  const list = (partners) => el('ul', { class: 'peers' }, ...partners.map((partner) => partnerPart(partner, side, now)))
  return [
    section(
      'handovers',
      say(`partners.${side}`),
      overview.partners.length === 0 ? sentence(say(`partners.${side}.none`)) : null,
      list(today),
      earlier.length > 0
        ? el(
            'details',
            { 'data-key': 'earlier' },
            el('summary', {}, say('partners.earlier', { count: earlier.length })),
            list(earlier),
          )
        : null,
      shiftPart(overview.shift, desk.people),
      el('p', { 'data-key': 'card' }, el('a', { href: '/card', target: '_blank', rel: 'noopener' }, say('tool.card'))),
    ),
  ]
}

/**
 * Whoever is here, was here today, or has something that a person must still see to; whatever the clocks say, the newest.
 * @param {any} partner
 * @param {number} index
 * @param {string} now
 */
function isOfToday({ isHere, open, aboard, last }, index, now) {
  const isUnsettled = open !== null || aboard > 0 || (last !== null && last.signed !== 'both')
  const day = (time) => new Date(time).toDateString()
  return index === 0 || isHere || isUnsettled || (last !== null && day(last.began) === day(now))
}

/**
 * @param {any} partner
 * @param {string} side
 * @param {string} now
 */
function partnerPart({ device, name, isHere, expected, open, counts, signed, last }, side, now) {
  const words = counts && {
    ...{ present: counts.present, notYet: counts.notYetScanned, missing: counts.missing },
    look: notAsListed(counts),
  }
  return el(
    'li',
    { class: open ? 'work' : expected > 0 ? 'wait' : last?.signed === 'both' ? 'good' : 'idle', 'data-key': device },
    el('h3', {}, named(name)),
    el('p', { class: 'state' }, say(open ? 'partner.open' : `partner.${side}`, { count: expected })),
    words ? sentence(say('handover.counts', words)) : null,
    signed === 'no' ? null : sentence(signedWords(signed)),
    open
      ? el('a', { href: `#handover/${open}`, class: 'go' }, say('partner.continue'))
      : isHere
        ? button(say('partner.begin'), { 'data-do': 'begin', 'data-device': device, class: 'go' })
        : null,
    last ? lastPart(last, now) : null,
  )
}

/** The last handover that is closed, and the way to it. @param {any} last @param {string} now */
function lastPart({ id, began, tubes, signed, isDisputed, signatures }, now) {
  const isUnverified = signatures.some(({ verified }) => !verified)
  const words = [
    say(tubes === null ? 'last.erased' : 'last.tubes', { at: moment(began, now), count: tubes ?? 0 }),
    signedWords(signed, isDisputed),
    ...(isUnverified ? [say('last.unverified')] : []),
  ]
  return el('p', { class: 'last' }, `${words.join(' ')} `, el('a', { href: `#handover/${id}` }, say('last.look')))
}

/** How many tubes are in the car: counted in handovers that are open, or closed and not at the clinic yet. */
export function tubesAboard() {
  return (desk.overview?.partners ?? []).reduce((sum, { aboard }) => sum + aboard, 0)
}

/**
 * One large answer. Blood never waits for data: what still moves is only told.
 * @param {any} status
 * @param {string[]} moving names of laptops whose changes are on the way
 */
export function mayLeave(status, moving) {
  if (!status.handover || !desk.overview) return []
  const { kind, words, more } = leaveAnswer(desk.overview.partners, status.peers)
  const data = moving.length > 0 ? [say('leave.data', { names: listed(moving) })] : []
  return [
    el(
      'section',
      { class: `leave ${kind}`, 'data-key': 'leave', 'aria-labelledby': 'leave' },
      el('h2', { id: 'leave' }, say('leave.title')),
      el(
        'p',
        { class: 'large' },
        el('span', { class: 'sign', 'aria-hidden': 'true' }, kind === 'good' ? '✓' : '!'),
        el('strong', {}, words),
      ),
      ...[...more, ...data].map(sentence),
    ),
  ]
}

/**
 * @param {any[]} partners
 * @param {any[]} peers
 */
function leaveAnswer(partners, peers) {
  const near = new Set(peers.filter(({ state }) => state !== 'gone').map(({ device }) => device))
  const begun = partners.filter(({ open }) => open)
  const open = begun.filter(({ counts }) => counts?.notYetScanned > 0)
  const waiting = partners.filter(({ open, expected }) => !open && expected > 0)
  const untouched = waiting.filter(({ device }) => near.has(device))
  const behind = waiting.filter(({ device }) => !near.has(device))
  const stay = behind.map(({ name, expected }) => say('leave.behind', { name, count: expected }))
  const unsigned = begun.filter(({ signed }) => signed === 'no')
  const more = [
    ...open.map(openWords),
    ...untouched.map(({ name, expected }) => say('leave.untouched', { name, count: expected })),
    ...unsigned.map(({ name }) => say('leave.unsigned', { name })),
  ]
  const count =
    open.reduce((sum, { counts }) => sum + counts.notYetScanned, 0) +
    untouched.reduce((sum, { expected }) => sum + expected, 0)
  if (count > 0)
    return { kind: 'wait', words: say('leave.open', { count }), more: [...more, say('leave.open.why'), ...stay] }
  if (unsigned.length > 0) return { kind: 'wait', words: say('leave.sign'), more: [...more, ...stay] }
  const left = behind.reduce((sum, { expected }) => sum + expected, 0)
  if (left > 0) return { kind: 'wait', words: say('leave.without', { count: left }), more: stay }
  return { kind: 'good', words: say('leave.yes'), more: [say('leave.yes.why')] }
}

function openWords({ name, counts, openLabels }) {
  const left = counts.notYetScanned - openLabels.length
  const labels = openLabels.join(', ')
  return say('leave.labels', { name, labels: left > 0 ? `${labels} ${say('page.more', { count: left })}` : labels })
}

/** A battery that is running out is told before it is empty. @param {any} status */
export function batteryWarning({ battery }) {
  if (!battery || battery.isCharging || battery.percent > lowPercent) return []
  return [el('p', { class: 'battery', 'data-key': 'battery' }, say('battery.low', { percent: battery.percent }))]
}
