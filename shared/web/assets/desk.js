// @ts-check
/** What the page knows of its program's desk, and what the person asks of it. */

import { ask, Refused } from './ask.js'
import { redraw } from './frame.js'
import { play } from './sounds.js'

/** Minutes run out and the other laptop falls silent although nothing changes here. */
const refreshMs = 5_000

/** What was answered last: a word of the desk's, or `notSaved`. @typedef {{ told: string, tube: any, read: string, error?: any }} Told */

/** All that the parts of the page show. */
export const desk = {
  /** @type {any} */
  overview: null,
  /** The handover that is open on this page. @type {any} */
  view: null,
  /** @type {Told | null} */
  told: null,
  /** A question that this page asks by itself: why is this tube missing, or what is the matter with it? @type {{ ask: string, tube: any } | null} */
  question: null,
  /** Another reason needs words. @type {string | null} */
  reasonToWrite: null,
  /** How often the next reasons were asked for. */
  reasonsTurned: 0,
  isSigning: false,
  /** What went wrong with something that was no scan. @type {any} */
  problem: null,
  /** @type {any[]} */
  people: [],
}

let seen = { change: -1, id: '', at: 0 }
/** Acts are given one after the other, in the order in which they were done. */
let line = Promise.resolve()
let waiting = 0
let onAnswer = () => {}
let isDrawing = false

/** The handover that the address names; none on the first screen. */
export function openId() {
  return /^#handover\/([0-9a-f]{32})$/.exec(location.hash)?.[1] ?? ''
}

/**
 * Called at every picture: asks for what has changed, and no more often.
 * @param {{ change: number }} handover
 */
export function follow({ change }) {
  const id = openId()
  const isNews = change !== seen.change || id !== seen.id
  if (!isNews && performance.now() - seen.at < refreshMs) return
  if (id !== seen.id) Object.assign(desk, { view: null, told: null, question: null, isSigning: false, problem: null })
  seen = { change, id, at: performance.now() }
  void fetchAll(id)
}

/** @param {string} id */
async function fetchAll(id) {
  try {
    const overview = await ask('GET', '/v1/handovers')
    const view = id && waiting === 0 ? await ask('GET', `/v1/handovers/${id}`) : null
    desk.overview = overview
    // What was done meanwhile has an answer of its own on the way, which is newer.
    if (view && id === openId() && waiting === 0) desk.view = view
  } catch (error) {
    if (error instanceof Refused && error.code !== 'NOT_RUNNING') desk.problem = error
    seen.at = 0
  }
  redraw()
}

/**
 * Gives an act to the program, in its turn, and tells what it answered; what was not saved is told as that.
 * @param {any} asked
 * @param {string} [read] what was read, to be told where it was not saved
 */
export function act(asked, read = '') {
  const id = openId()
  waiting += 1
  line = line.then(async () => {
    try {
      const { told, tube, view } = await ask('POST', `/v1/handovers/${id}/acts`, asked)
      if (id === openId()) take({ told, tube, read }, view)
    } catch (error) {
      take({ told: 'notSaved', tube: null, read, error }, desk.view)
    }
    waiting -= 1
  })
  return line
}

/**
 * The answer is heard and seen before the long list is drawn.
 * @param {Told} told
 * @param {any} view
 */
function take(told, view) {
  desk.told = told
  desk.view = view
  desk.question = null
  desk.reasonToWrite = null
  desk.reasonsTurned = 0
  play(soundOf(told.told))
  onAnswer()
  if (isDrawing) return
  isDrawing = true
  requestAnimationFrame(() =>
    setTimeout(() => {
      isDrawing = false
      redraw()
    }),
  )
}

/** What shows an answer, before anything else is drawn. @param {() => void} show */
export function showAnswersBy(show) {
  onAnswer = show
}

/** @param {string} told */
function soundOf(told) {
  if (told === 'present') return 'good'
  if (told === 'askReason' || told === 'askSign') return 'ask'
  if (told === 'anotherLaptop') return 'elsewhere'
  if (told === 'unexpected') return 'look'
  if (['again', 'changed', 'notDrawn', 'missing', 'undone'].includes(told)) return told
  return told === 'notUnderstood' || told === 'notSaved' || told === 'nothingToUndo' ? 'bad' : 'counted'
}

/**
 * Does something that is no act in the open handover, and shows it, or what was wrong with it.
 * @param {() => Promise<void>} deed
 */
export async function attempt(deed) {
  try {
    desk.problem = null
    await deed()
    seen.at = 0
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    desk.problem = error
    play('bad')
  }
  redraw()
}

/** @param {string} device */
export function begin(device) {
  return attempt(async () => {
    const { id } = await ask('POST', '/v1/handovers', { device })
    location.hash = `#handover/${id}`
  })
}

/** @param {{ pin: string | null, agrees: boolean, remark: string | null }} signature */
export function sign(signature) {
  return attempt(async () => {
    desk.view = await ask('POST', `/v1/handovers/${openId()}/signatures`, signature)
    desk.isSigning = false
    desk.told = { told: 'signed', tube: null, read: '' }
    play('counted')
  })
}

/** Ends the handover with one signature. */
export function close() {
  return attempt(async () => {
    desk.view = await ask('POST', `/v1/handovers/${openId()}/closing`, {})
  })
}

/** @param {any} person */
export function takeShift(person) {
  return attempt(async () => {
    const shift = await ask('POST', '/v1/shift', { person })
    if (desk.overview) desk.overview.shift = shift
    desk.people = []
  })
}

/**
 * @param {string} pin
 * @param {string | null} old
 */
export function setPin(pin, old) {
  return attempt(async () => {
    const shift = await ask('POST', '/v1/pin', { pin, old })
    if (desk.overview) desk.overview.shift = shift
  })
}

/** @param {string} name */
export function findPeople(name) {
  return attempt(async () => {
    desk.people = (await ask('GET', `/v1/people?name=${encodeURIComponent(name)}`)).people
  })
}
