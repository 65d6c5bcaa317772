// @ts-check
/** Who is here, who signs, and what was signed. */

import { el } from './elements.js'
import { button, notAsListed } from './handover-parts.js'
import { section, sentence } from './parts.js'
import { moment, say } from './words.js'

/**
 * Who is on shift on this laptop: one of the study's people, a name that is typed, or nobody.
 * @param {{ person: any, hasPin: boolean }} shift
 * @param {any[]} people
 */
export function shiftPart({ person, hasPin }, people) {
  const title = person ? say('shift.is', { name: person.name }) : say('shift.nobody')
  return el(
    'details',
    { class: 'shift', 'data-key': 'shift' },
    el('summary', {}, title),
    el(
      'form',
      { class: 'field', 'data-do': 'typedName' },
      el('label', { for: 'who' }, say('shift.who')),
      el('input', { id: 'who', type: 'text', maxlength: 200, autocomplete: 'off', 'data-find': 'people' }),
      submit(say('shift.typed')),
    ),
    el('div', { class: 'choices', 'data-key': 'people' }, ...people.map(chosen)),
    el('div', { class: 'choices', 'data-key': 'none' }, button(say('shift.none'), { 'data-do': 'nobody' })),
    person ? pinForm(hasPin) : null,
  )
}

/** @param {any} person */
function chosen({ id, name, role }) {
  const choice = button('', { 'data-do': 'person', 'data-id': id, 'data-name': name, 'data-key': id })
  choice.append(el('bdi', {}, name), ` (${role})`)
  return choice
}

/** @param {boolean} hasPin */
function pinForm(hasPin) {
  return el(
    'form',
    { class: 'field', 'data-do': 'newPin', 'data-key': 'pin' },
    el('p', {}, say(hasPin ? 'pin.known' : 'pin.unknown')),
    hasPin ? el('label', { for: 'pin-old' }, say('pin.old')) : null,
    hasPin ? el('input', { id: 'pin-old', type: 'password', maxlength: 64, autocomplete: 'off' }) : null,
    el('label', { for: 'pin-new' }, say('pin.new')),
    el('input', { id: 'pin-new', type: 'password', maxlength: 64, autocomplete: 'off' }),
    submit(say('pin.save')),
  )
}

/** @param {string} words */
function submit(words) {
  return el('button', { type: 'submit' }, words)
}

/**
 * The form to sign, in plain words.
 * @param {any} view
 * @param {{ person: any, hasPin: boolean }} shift
 */
export function signForm({ side, counts }, { person, hasPin }) {
  const open = counts.notYetScanned
  const look = notAsListed(counts)
  return el(
    'form',
    { class: 'sign-form field', 'data-do': 'sign', 'data-key': 'sign-form', 'aria-labelledby': 'sign-title' },
    el('h2', { id: 'sign-title' }, say('sign.title')),
    sentence(say(`sign.meaning.${side}`, { count: counts.present })),
    open > 0 ? sentence(say('sign.open', { count: open })) : null,
    counts.missing + look > 0 ? sentence(say('sign.also', { missing: counts.missing, look })) : null,
    sentence(person ? say('sign.as', { name: person.name }) : say('sign.asNobody')),
    hasPin ? el('label', { for: 'pin' }, say('sign.pin')) : null,
    hasPin ? el('input', { id: 'pin', type: 'password', maxlength: 64, autocomplete: 'off' }) : null,
    hasPin ? null : el('p', { class: 'detail' }, say('sign.unverified')),
    el('label', { class: 'check' }, el('input', { id: 'disagree', type: 'checkbox' }), say('sign.disagree')),
    el('label', { for: 'remark' }, say('sign.remark')),
    el('input', { id: 'remark', type: 'text', maxlength: 200, autocomplete: 'off' }),
    el(
      'div',
      { class: 'choices' },
      submit(say(`sign.do.${side}`)),
      button(say('sign.not'), { 'data-do': 'signNot', class: 'quiet' }),
    ),
    el('p', { class: 'detail' }, say('sign.scanAgain')),
  )
}

/** Who has signed, in words. @param {string} signed @param {boolean} [isDisputed] somebody did not agree */
export function signedWords(signed, isDisputed = false) {
  if (signed === 'both' && isDisputed) return say('signed.disputed')
  return say(signed === 'one' ? 'signed.byOne' : `signed.${signed}`)
}

/** @param {string} signed @param {boolean} isDisputed */
function kindOf(signed, isDisputed) {
  if (signed === 'both' && !isDisputed) return 'good'
  return signed === 'no' ? 'idle' : 'wait'
}

/**
 * Where the signing stands: by whom, whether proven, and whether anything has changed since.
 * @param {any} view
 * @param {{ person: any, hasPin: boolean } | undefined} shift
 * @param {string} now
 */
export function signedPart(view, shift, now) {
  const { signed, isDisputed, isChangedSince, isClosed, revisions, bareSignatures, side } = view
  const signatures = (list) => el('ul', {}, ...list.map((signature) => signaturePart(signature, view, shift, now)))
  return section(
    'signed',
    say('signed.title'),
    el('p', { class: `state ${kindOf(signed, isDisputed)}` }, signedWords(signed, isDisputed)),
    isChangedSince && signed !== 'no' ? el('p', { class: 'state wait' }, say('signed.changed')) : null,
    isClosed ? el('p', { class: 'state good' }, say('signed.closed')) : null,
    el('ul', { class: 'revisions' }, ...revisions.map((revision) => revisionPart(revision, signatures, now))),
    bareSignatures.length > 0 ? signatures(bareSignatures) : null,
    signed === 'one' && !isClosed && side === 'taker'
      ? button(say('signed.finish'), { 'data-do': 'close', class: 'quiet' })
      : null,
  )
}

/**
 * @param {any} revision
 * @param {(list: any[]) => HTMLElement} signaturesPart
 * @param {string} now
 */
function revisionPart({ digest, revision, at, counts, hasTwin, differences, signatures }, signaturesPart, now) {
  const words = { number: revision, at: moment(at, now), present: counts.present, missing: counts.missing }
  return el(
    'li',
    { 'data-key': digest },
    el('h3', {}, say(hasTwin ? 'revision.twin' : 'revision.title', words)),
    sentence(say('revision.counts', { ...words, notYet: counts.notYetScanned, look: notAsListed(counts) })),
    ...(hasTwin ? [sentence(say('revision.twinWhy')), twinList(differences)] : []),
    signatures.length === 0 ? sentence(say('revision.unsigned')) : null,
    signaturesPart(signatures),
  )
}

/** @param {any[]} differences */
function twinList(differences) {
  const rows = differences.map(({ label, state }) =>
    el('li', {}, `${label}: ${say(`tube.${state}`, { laptop: say('tube.someLaptop') })}`),
  )
  return el('ul', { class: 'differences' }, ...rows)
}

/**
 * @param {any} signature
 * @param {any} view
 * @param {{ person: any, hasPin: boolean } | undefined} shift
 * @param {string} now
 */
function signaturePart(signature, view, shift, now) {
  const { by, meaning, person, verified, agrees, remark, at } = signature
  const name = person?.name ?? say('signature.nobody')
  const laptop = by === view.giver ? view.giverName : view.takerName
  return el(
    'li',
    { class: verified && agrees ? 'good' : 'wait' },
    el('span', { class: 'sign', 'aria-hidden': 'true' }, agrees ? '✓' : '≠'),
    el('bdi', {}, say(`signature.${meaning}`, { name, laptop, at: moment(at, now) })),
    ` · ${say(verified ? 'signature.verified' : 'signature.unverified')}`,
    ...(agrees ? [] : [` · ${say('signature.disagrees')}`]),
    ...(remark ? [' · ', el('q', {}, remark)] : []),
    canBeConfirmed(signature, view) ? confirmPart(signature, shift) : null,
  )
}

/** By whoever signed on this laptop and gave a name, once the handover is closed; until then they just sign again. */
function canBeConfirmed({ by, verified, person }, { side, giver, taker, isClosed }) {
  return isClosed && !verified && person !== null && by === (side === 'giver' ? giver : taker)
}

/** With the PIN of the person who signed, who is on shift here. */
function confirmPart({ handover, person, agrees, remark, at }, shift) {
  const isSame = shift?.hasPin && shift.person?.id === person.id && shift.person?.name === person.name
  if (!isSame) return el('p', { class: 'detail' }, say('confirm.how'))
  const id = `confirm-${handover.slice(0, 8)}-${at}`
  return el(
    'form',
    { class: 'field', 'data-do': 'confirm', 'data-agrees': String(agrees), 'data-remark': remark ?? '' },
    el('label', { for: id }, say('confirm.pin', { name: person.name })),
    el('input', { id, type: 'password', maxlength: 64, autocomplete: 'off' }),
    submit(say('confirm.do')),
  )
}
