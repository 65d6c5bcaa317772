// @ts-check
/** What every page does: signs in with its launch token, follows the program live, and says so when it hears nothing. */

import { el, patch } from './elements.js'
import { loadWords, say, second } from './words.js'

/** The program shows a picture at least every five seconds. */
const silentMs = 12_000
const retryMs = 1_000
/** A count that runs is not read aloud at each step. */
const speakEveryMs = 15_000

class SignedOut extends Error {}

/** @type {Page | undefined} */
let shown

/** Shows again what is known, for what has changed on this page alone. */
export function redraw() {
  shown?.draw()
}

/**
 * Shows the page: `draw` gives its content for each picture of the program's state.
 * @param {(state: any, now: string) => Node[]} draw
 */
export async function show(draw) {
  const launch = takeLaunch()
  await insist(loadWords)
  const page = new Page(draw)
  shown = page
  addEventListener('hashchange', () => page.draw())
  setInterval(() => page.tick(), retryMs)
  try {
    const bearer = await insist(() => signIn(launch))
    for (;;) {
      await follow(bearer, page)
      page.lose()
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error
    sessionStorage.removeItem('bearer')
    page.signedOut()
  }
}

/** What the reader sees, and how old it is. */
class Page {
  #page = /** @type {HTMLElement} */ (document.getElementById('page'))
  #banner = /** @type {HTMLElement} */ (document.getElementById('stale'))
  #spoken = /** @type {HTMLElement} */ (document.getElementById('spoken'))
  #heard = performance.now()
  #state
  #at = ''
  #said = ''
  #saidAt = 0
  #draw

  /** @param {(state: any, now: string) => Node[]} draw */
  constructor(draw) {
    this.#draw = draw
    patch(this.#page, [el('header', { class: 'top idle' }, el('h1', {}, say('page.loading')))])
  }

  /** @param {{ state: any, at: string }} picture */
  take({ state, at }) {
    this.#heard = performance.now()
    this.#state = state
    this.#at = at
    this.draw()
    this.#page.setAttribute('aria-busy', 'false')
    this.#tellStale(false)
    this.#speak()
  }

  /** Nothing is drawn before the first picture, and nothing once the page is signed out. */
  draw() {
    if (this.#state) patch(this.#page, this.#draw(this.#state, this.#at))
  }

  /** The connection is gone, and with it the claim that the page is true now. */
  lose() {
    this.#tellStale(true)
  }

  /** A program that hangs keeps its connection open: silence tells. */
  tick() {
    if (performance.now() - this.#heard > silentMs) this.lose()
  }

  signedOut() {
    this.#tellStale(false)
    this.#heard = Number.POSITIVE_INFINITY
    this.#state = undefined
    this.#page.setAttribute('aria-busy', 'false')
    const header = el('header', { class: 'top idle' }, el('h1', {}, say('page.signedOut')))
    header.append(el('p', {}, say('page.signedOutWhy')))
    patch(this.#page, [header])
    this.#spoken.textContent = say('page.signedOut')
  }

  /** @param {boolean} stale */
  #tellStale(stale) {
    if (this.#banner.hidden !== stale) return
    this.#banner.hidden = !stale
    document.body.classList.toggle('old', stale)
    const since = this.#at ? say('page.stale', { at: second(this.#at) }) : say('page.silent')
    this.#banner.replaceChildren(...(stale ? [el('strong', {}, since), say('page.staleWhy')] : []))
  }

  /** Reads out the sentence that matters, and a new problem, when it is another one, and not too often. */
  #speak() {
    const parts = [...this.#page.querySelectorAll('h1, .box .todo')]
    const text = parts.map(({ textContent }) => textContent).join(' ')
    if (text === this.#said || (this.#said && performance.now() - this.#saidAt < speakEveryMs)) return
    if (this.#said) this.#spoken.textContent = text
    this.#said = text
    this.#saidAt = performance.now()
  }
}

/**
 * Tries until the program answers.
 * @template T
 * @param {() => Promise<T>} attempt
 * @returns {Promise<T>}
 */
async function insist(attempt) {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof SignedOut) throw error
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
}

/** The launch token leaves the address bar before anything else happens; what part of the page was open stays there. */
function takeLaunch() {
  const launch = new URLSearchParams(location.hash.slice(1)).get('launch')
  if (launch) history.replaceState(null, '', location.pathname)
  return launch
}

/**
 * Buys a bearer with the launch token; without one, the bearer of this tab still counts.
 * @param {string | null} launch
 */
async function signIn(launch) {
  if (launch) {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch('/v1/session', { method: 'POST', headers, body: JSON.stringify({ launch }) })
    if (answer.ok) sessionStorage.setItem('bearer', (await answer.json()).bearer)
  }
  const bearer = sessionStorage.getItem('bearer')
  if (!bearer) throw new SignedOut()
  return bearer
}

/**
 * Shows picture after picture until the connection ends.
 * @param {string} bearer
 * @param {Page} page
 */
async function follow(bearer, page) {
  try {
    for await (const picture of pictures(bearer)) page.take(picture)
  } catch (error) {
    if (error instanceof SignedOut) throw error
    console.warn(error)
  }
}

/** @param {string} bearer */
async function* pictures(bearer) {
  const answer = await fetch('/v1/live', { headers: { authorization: `Bearer ${bearer}` } })
  if (answer.status === 401) throw new SignedOut()
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body)
    .pipeThrough(new TextDecoderStream())
    .getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += value
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) yield JSON.parse(event.slice('data: '.length))
  }
}
