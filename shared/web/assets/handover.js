// @ts-check
/** The handover, the same on the driver's and on the assistant's laptop: it hears the scanner, the keys and the buttons. */

import { heard, temperaturePart } from './cool-box.js'
import { act, begin, close, desk, findPeople, follow, openId, setPin, showAnswersBy, sign, takeShift } from './desk.js'
import { el, renew } from './elements.js'
import { redraw } from './frame.js'
import { answerBox, button, nextTube, notAsListed, openGroup, questionBox, row, tubeList } from './handover-parts.js'
import { problem, sentence } from './parts.js'
import { choices, reasonOf, turnReasons } from './reasons.js'
import { regain, scanField, startScanning, stopScanning, takeFocus } from './scan-field.js'
import { shiftPart, signedPart, signForm } from './signing.js'
import { isMuted, play, turnSound, wakeSounds } from './sounds.js'
import { say } from './words.js'

const other = 'other'

/** @type {Record<string, (target: HTMLElement) => unknown>} */
const deeds = {
  begin: ({ dataset }) => begin(dataset.device ?? ''),
  undo: () => act({ kind: 'undo' }),
  missing: () => scanned('WAYBILL-MISSING', true),
  askSign,
  signNot: () => change(() => (desk.isSigning = false)),
  close,
  leave: () => change(leaveQuestion),
  count: ({ dataset }) => answerNumber(Number(dataset.number)),
  reason: ({ dataset }) => giveReason(dataset.reason ?? ''),
  why: ({ dataset }) => change(() => askWhy(dataset.tube ?? '')),
  more: ({ dataset }) => change(() => openGroup(dataset.group ?? '')),
  mute: () => change(turnSound),
  nobody: () => takeShift(null),
  person: ({ dataset }) => takeShift({ id: dataset.id, name: dataset.name }),
}

/** @type {Record<string, (form: HTMLElement) => unknown>} */
const forms = {
  typedName: () => taken('who') && takeShift({ id: null, name: taken('who', true) }),
  newPin: () => taken('pin-new') && setPin(taken('pin-new', true), taken('pin-old', true) || null),
  ownWords: () => giveReason(desk.reasonToWrite ?? other),
  temperature,
  sign: signNow,
  confirm,
}

/** A question that was put aside stays aside until the next act. @type {any} */
let putAside = null

/** Listens to the buttons and forms of the page; called once. */
export function startHandover() {
  showAnswersBy(() => renew(document.querySelector('.answer'), answer()))
  document.addEventListener('click', ({ target }) => {
    wakeSounds()
    const found = target instanceof Element ? target.closest('[data-do]') : null
    if (!(found instanceof HTMLElement) || found instanceof HTMLFormElement) return
    void deeds[found.dataset.do ?? '']?.(found)
    setTimeout(takeFocus)
  })
  document.addEventListener('submit', (event) => {
    event.preventDefault()
    const form = /** @type {HTMLElement} */ (event.target)
    void forms[form.dataset.do ?? '']?.(form)
    setTimeout(takeFocus)
  })
  document.addEventListener('input', ({ target }) => {
    if (target instanceof HTMLInputElement && target.dataset.find === 'people') void findPeople(target.value)
  })
  document.addEventListener(
    'toggle',
    ({ target }) => {
      if (target instanceof HTMLElement && target.matches('details.shift[open]')) void findPeople('')
    },
    true,
  )
  document.addEventListener('keydown', onShortcut)
}

/**
 * The handover that the address names, or null on the first screen; also asks the desk for what is new.
 * @param {any} status
 * @param {string} now
 */
export function handoverPage(status, now) {
  if (!status.handover) return null
  follow(status.handover)
  const { view } = desk
  if (!openId()) {
    stopScanning()
    return null
  }
  if (!view) return [back(), heading(say('handover.asking')), ...troubles()]
  listen(view)
  const tubes = view.tubes.map((tube) => ({ ...tube, reasonWords: wordsOf(view, tube.reason) }))
  const isErased = view.bareSignatures.length > 0
  const [toLookAt = null, ...others] = isErased ? [] : tubeList({ ...view, tubes }, now)
  return [
    back(),
    heading(titleOf(view), isErased ? say('signature.bare') : say('handover.counts', countsOf(view))),
    ...(view.isClosed ? [] : [scanField(), answer(), ...asking(view)]),
    ...troubles(),
    ...(view.isClosed ? [] : [tools(), nextTube(view.tubes, now)]),
    heard(view, now),
    toLookAt,
    ...temperaturePart(view),
    desk.overview ? shiftPart(desk.overview.shift, desk.people) : null,
    signedPart(view, desk.overview?.shift, now),
    ...others,
  ].filter((part) => part !== null)
}

/** @param {any} view */
function listen(view) {
  if (view.isClosed) return stopScanning()
  startScanning({
    onScan: scanned,
    onNumber: answerNumber,
    question: () => desk.view && numberWanted(desk.view),
    onWake: wakeSounds,
  })
  setTimeout(regain)
}

/** @param {string} title @param {...string} more */
function heading(title, ...more) {
  return el('header', { class: 'top idle', 'data-key': 'top' }, el('h1', {}, title), ...more.map(sentence))
}

function back() {
  return el('nav', { 'data-key': 'back', 'aria-label': say('nav.title') }, el('a', { href: '#' }, say('nav.back')))
}

function titleOf({ side, giverName, takerName }) {
  return say('handover.title', { name: side === 'taker' ? giverName : takerName })
}

/** What was scanned of what was expected, each state by its own word. */
function countsOf({ counts }) {
  const { present, notYetScanned: notYet, missing } = counts
  return { present, notYet, missing, look: notAsListed(counts) }
}

function troubles() {
  return desk.problem ? [el('div', { class: 'box bad', 'data-key': 'trouble' }, ...problem(desk.problem))] : []
}

/** The page's own question comes before the desk's; what was put aside is not asked again before something is done. */
function currentQuestion(view) {
  if (desk.question) return desk.question
  return view.question && keyOf(view.question.tube) !== putAside ? view.question : null
}

function answer() {
  return answerBox(desk.told, desk.view !== null && currentQuestion(desk.view) !== null)
}

function asking(view) {
  const question = currentQuestion(view)
  const parts = question ? [questionBox(question, choices(view.reasons), desk.reasonToWrite !== null)] : []
  return desk.isSigning && desk.overview ? [...parts, signForm(view, desk.overview.shift)] : parts
}

function numberWanted(view) {
  const question = currentQuestion(view)
  if (!question) return null
  return question.ask === 'count' && (question.tube.tubes ?? 1) > 9 ? 'number' : 'digit'
}

/** What can be done by hand, each with its key. */
function tools() {
  const tool = (words, deed, key, shortcut) =>
    el('button', { type: 'button', 'data-do': deed, 'aria-keyshortcuts': shortcut }, words, ' ', el('kbd', {}, key))
  return el(
    'div',
    { class: 'choices tools', 'data-key': 'tools' },
    tool(say('tool.undo'), 'undo', 'F2', 'F2'),
    tool(say('tool.missing'), 'missing', 'F4', 'F4'),
    tool(say('tool.sign'), 'askSign', 'F8', 'F8'),
    button(say(isMuted() ? 'tool.sound' : 'tool.mute'), { 'data-do': 'mute', 'aria-pressed': String(isMuted()) }),
    el('a', { href: '/card', target: '_blank', rel: 'noopener' }, say('tool.card')),
  )
}

/** A reason's words, as the study has them. */
function wordsOf({ reasons }, code) {
  return reasons.find((reason) => reason.code === code)?.words ?? code
}

/** @param {string} read @param {boolean} typed */
function scanned(read, typed) {
  const command = read.toUpperCase().replace(/[^A-Z0-9]/g, '')
  if (command.endsWith('WAYBILLSIGN') && desk.isSigning) return void signNow()
  if (command.endsWith('WAYBILLMISSING') && isTurned()) return
  putAside = null
  const digit = /WAYBILL(\d)$/.exec(command)?.[1]
  if (digit !== undefined && desk.view && currentQuestion(desk.view)) return answerNumber(Number(digit))
  void act({ kind: 'scan', read, typed }, read).then(() => {
    if (desk.told?.told === 'askSign') askSign()
  })
}

/** MISSING while a reason is asked for shows more reasons, where there are more. */
function isTurned() {
  return desk.view !== null && turnReasons(currentQuestion(desk.view), desk.view.reasons)
}

/** @param {number} given */
function answerNumber(given) {
  const { view } = desk
  const question = view && currentQuestion(view)
  if (!question) return
  if (question.ask === 'count') return void act({ kind: 'count', line: question.tube.line, tubes: given })
  const reason = reasonOf(view.reasons, given)
  if (reason) giveReason(reason.code)
  else play('bad')
}

/** @param {string} reason */
function giveReason(reason) {
  const { view } = desk
  const question = view && currentQuestion(view)
  if (!question) return
  const text = taken('own-words', true) || null
  if (reason === other && text === null) {
    change(() => (desk.reasonToWrite = reason))
    setTimeout(() => document.getElementById('own-words')?.focus(), 1)
    return
  }
  const { line, label } = question.tube
  void act(
    question.ask === 'reason'
      ? { kind: 'missing', line, reason, text }
      : { kind: 'remark', line, label: line ? null : label, reason, text },
  )
}

/** @param {string} key */
function askWhy(key) {
  const tube = desk.view?.tubes.find((tube) => keyOf(tube) === key)
  if (tube) desk.question = { ask: tube.state === 'notYetScanned' ? 'reason' : 'remark', tube }
}

function leaveQuestion() {
  const { view } = desk
  putAside = view?.question && !desk.question ? keyOf(view.question.tube) : null
  Object.assign(desk, { question: null, reasonToWrite: null, reasonsTurned: 0 })
}

/** @param {any} tube */
function keyOf(tube) {
  return row(tube, true, '').getAttribute('data-key')
}

function askSign() {
  if (!desk.isSigning) play('ask')
  change(() => (desk.isSigning = true))
}

function signNow() {
  const disagree = /** @type {HTMLInputElement | null} */ (document.getElementById('disagree'))
  return sign({ pin: taken('pin', true) || null, agrees: !disagree?.checked, remark: taken('remark') || null })
}

/** The same signature once more, now with a PIN. @param {HTMLElement} form */
function confirm(form) {
  const field = form.querySelector('input')
  const pin = field?.value.trim() ?? ''
  if (field) field.value = ''
  if (pin === '') return
  return sign({ pin, agrees: form.dataset.agrees === 'true', remark: form.dataset.remark || null })
}

function temperature() {
  const celsius = Number(taken('celsius').replace(',', '.'))
  if (taken('celsius') === '' || !Number.isFinite(celsius)) return play('bad')
  void act({ kind: 'temperature', celsius })
}

/** What was written in a field. @param {string} id @param {boolean} [empty] and the field is empty afterwards */
function taken(id, empty = false) {
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById(id))
  const text = field?.value.trim() ?? ''
  if (empty && field) field.value = ''
  return text
}

/** @param {() => unknown} how */
function change(how) {
  how()
  redraw()
}

/** @param {KeyboardEvent} event */
function onShortcut(event) {
  const deed = { F2: 'undo', F4: 'missing', F8: 'askSign', Escape: 'leave' }[event.key]
  if (!deed || !desk.view || desk.view.isClosed || !openId() || event.ctrlKey || event.altKey) return
  event.preventDefault()
  void deeds[deed]?.(document.body)
  setTimeout(takeFocus)
}
