// @ts-check
/**
 * The one field that hears the scanner. A scanner is a keyboard that types fast and ends with Enter or Tab: while a handover is
 * open its keys are taken wherever the focus is, and the focus comes back here by itself.
 */

import { el } from './elements.js'
import { say } from './words.js'

/** Nobody types a label with less than this between its keys; no scanner that we know takes longer. */
const scannerGapMs = 60
const shortestScan = 4
/** So many letters without a pause are no person's, whatever stood before them. */
const shortestBurst = 6
const leftoverMs = 500
/** A digit that nothing follows for so long is an answer, and not the beginning of a label. */
const loneDigitMs = 200
/** A person who stopped moving about the page with Tab is scanning again; one who writes may think. */
const idleMs = { button: 10_000, writing: 60_000 }
const mostLetters = 200

/**
 * What hears of it. `onScan`: a label or a command. `onNumber`: a number while a question waits for one.
 * @typedef {object} Listener
 * @property {(read: string, typed: boolean) => void} onScan
 * @property {(number: number) => void} onNumber
 * @property {() => 'digit' | 'number' | null} question what kind of number is waited for
 * @property {() => void} onWake called at every key and click
 */

/** @type {Listener | undefined} */
let listener
/** The keys of what is being read, with the time of each. @type {{ key: string, at: number }[]} */
let keys = []
let lastTouch = 0
let loneDigit = 0

/** The field; drawn again it is the same one. */
export function scanField() {
  return el(
    'div',
    { class: 'scan', 'data-key': 'scan' },
    el('label', { for: 'scan' }, say('scan.label')),
    el('input', {
      ...{ id: 'scan', type: 'text', maxlength: mostLetters, 'aria-describedby': 'scan-how' },
      ...{ autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', enterkeyhint: 'done' },
    }),
    el('p', { id: 'scan-how', class: 'how' }, say(document.hasFocus() ? 'scan.ready' : 'scan.deaf')),
  )
}

/** Listens from now on, until `stopScanning`. @param {Listener} given */
export function startScanning(given) {
  if (!listener) {
    document.addEventListener('keydown', onKey, true)
    document.addEventListener('pointerdown', onTouch, true)
    document.addEventListener('focusout', onFocusOut)
    addEventListener('focus', regain)
  }
  listener = given
  regain()
}

/** Hears nothing more. */
export function stopScanning() {
  document.removeEventListener('keydown', onKey, true)
  document.removeEventListener('pointerdown', onTouch, true)
  document.removeEventListener('focusout', onFocusOut)
  removeEventListener('focus', regain)
  clearTimeout(loneDigit)
  listener = undefined
}

/** Gives the field the focus, unless the person is busy elsewhere on the page. */
export function regain() {
  if (!listener) return
  const active = document.activeElement
  const field = input()
  if (!field || active === field) return
  const idle = performance.now() - lastTouch
  const limit = isWriting(active) ? idleMs.writing : active?.matches('button, a, summary') ? idleMs.button : 0
  if (idle >= limit) field.focus({ preventScroll: true })
}

/** Gives the field the focus at once: what the person did elsewhere is done. */
export function takeFocus() {
  if (listener) input()?.focus({ preventScroll: true })
}

/** @returns {HTMLInputElement | null} */
function input() {
  return /** @type {HTMLInputElement | null} */ (document.getElementById('scan'))
}

/** @param {Element | null} element */
function isWriting(element) {
  return element instanceof HTMLElement && element.id !== 'scan' && element.matches('input, textarea')
}

function onTouch() {
  lastTouch = performance.now()
  listener?.onWake()
}

function onFocusOut() {
  setTimeout(() => {
    if (document.activeElement === document.body) regain()
  })
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  onTouch()
  const field = input()
  if (!field || event.isComposing) return
  if (isEnd(event)) return end(event, field)
  if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey) return
  const elsewhere = document.activeElement !== field
  const isLetter = event.key !== ' '
  if (elsewhere && !isWriting(document.activeElement) && isLetter) {
    field.value = ''
    field.focus({ preventScroll: true })
  }
  note(event, field)
  waitForDigit(event, field)
}

/** Enter, Tab, or how some scanners write them: Ctrl+M, Ctrl+J. @param {KeyboardEvent} event */
function isEnd({ key, ctrlKey, shiftKey }) {
  return key === 'Enter' || (key === 'Tab' && !shiftKey) || (ctrlKey && (key === 'm' || key === 'j'))
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} field
 */
function note({ key, timeStamp }, field) {
  const last = keys.at(-1)
  const isFresh = document.activeElement === field ? field.value === '' : timeStamp - (last?.at ?? 0) > scannerGapMs
  if (isFresh) keys = []
  if (keys.length < mostLetters) keys.push({ key, at: timeStamp })
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} field
 */
function waitForDigit({ key }, field) {
  clearTimeout(loneDigit)
  const isLone = document.activeElement === field && field.value === '' && /^\d$/.test(key)
  if (!isLone || listener?.question() !== 'digit') return
  loneDigit = setTimeout(() => {
    if (field.value !== key) return
    field.value = ''
    listener?.onNumber(Number(key))
  }, loneDigitMs)
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} field
 */
function end(event, field) {
  clearTimeout(loneDigit)
  const active = document.activeElement
  if (active === field) {
    const read = afterLeftover(field.value)
    if (read === '' && event.key === 'Tab') return
    event.preventDefault()
    field.value = ''
    if (read.trim() !== '') give(read, !isScanned(read))
  } else if (isWriting(active)) {
    const read = keys.map(({ key }) => key).join('')
    if (!isScanned(read) || event.timeStamp - (keys.at(-1)?.at ?? 0) > scannerGapMs) return
    event.preventDefault()
    event.stopPropagation()
    const other = /** @type {HTMLInputElement} */ (active)
    if (other.value.endsWith(read)) other.value = other.value.slice(0, -read.length)
    give(read, false)
  }
  keys = []
}

/**
 * What was begun by hand and left in the field is no part of the label that a scanner then writes. Only after a pause that no
 * scanner makes: a letter that is dropped would make another label.
 * @param {string} value
 */
function afterLeftover(value) {
  const start = keys.findLastIndex(({ at }, index) => index > 0 && at - (keys[index - 1]?.at ?? 0) >= leftoverMs)
  const burst = keys.slice(Math.max(start, 0))
  const read = burst.map(({ key }) => key).join('')
  if (start < 1 || burst.length < shortestBurst || !isFast(burst) || !value.endsWith(read)) return value
  keys = burst
  return read
}

/**
 * @param {string} read
 * @param {boolean} typed
 */
function give(read, typed) {
  const isNumber = typed && listener?.question() && /^\s*\d{1,3}\s*$/.test(read)
  if (isNumber) listener?.onNumber(Number(read))
  else listener?.onScan(read, typed)
}

/** Whether a scanner wrote this: every letter came by a key, and fast. @param {string} read */
function isScanned(read) {
  return read.length >= shortestScan && keys.map(({ key }) => key).join('') === read && isFast(keys)
}

/** @param {{ at: number }[]} written */
function isFast(written) {
  const first = written[0]?.at ?? 0
  const last = written.at(-1)?.at ?? 0
  return written.length > 1 && (last - first) / (written.length - 1) < scannerGapMs
}
