// @ts-check
/** The page of the people at the clinic: signs in, follows the server live, and shows the part that the address names. */

import { ask, Refused } from '/ask.js'
import { el, patch } from '/elements.js'
import { sentence, top } from '/parts.js'
import { dated, loadWords, say, second } from '/words.js'
import { download } from './downloads.js'
import { follow } from './follow.js'
import { chosen, partsFor } from './parts-of-page.js'
import { forgetSession, hasSession, keepSession, session } from './session.js'
import { signInForm } from './sign-in.js'

const silentMs = 12_000
const tickMs = 1_000
/** What a part shows is asked for again at most so often while changes come in. */
const againMs = 2_000
const slowMs = 700

const main = /** @type {HTMLElement} */ (document.getElementById('page'))
const banner = /** @type {HTMLElement} */ (document.getElementById('stale'))
const spoken = /** @type {HTMLElement} */ (document.getElementById('spoken'))

/** All that the page knows now. */
const page = {
  /** @type {any} */ picture: undefined,
  at: '',
  heard: performance.now(),
  /** @type {any} */ data: undefined,
  /** @type {Refused | undefined} */ refused: undefined,
  /** @type {string | undefined} */ told: undefined,
  hash: '',
  askedAt: 0,
  askingSince: 0,
  change: -1,
  why: sessionStorage.getItem('why') ?? undefined,
}

/** How often somebody was signed in here: what an earlier turn still waits for counts no more. */
let turns = 0
/** One deed at a time: a second press while the first is on its way is none. */
let isBusy = false

sessionStorage.removeItem('why')
await loadWords()
addEventListener('hashchange', () => open())
main.addEventListener('click', (event) => void clicked(event))
main.addEventListener('submit', (event) => void submitted(event))
setInterval(tick, tickMs)
if (hasSession()) void begin()
else drawSignIn()

/** Who is signed in, and all that follows from it, until the session is over. */
async function begin() {
  turns += 1
  const turn = turns
  while (!(await identify())) await pause()
  open()
  while (turn === turns && session()) {
    const bearer = sessionStorage.getItem('bearer') ?? ''
    const isGood = await follow(bearer, (picture) => turn === turns && take(picture))
    if (turn !== turns) return
    if (!isGood) return leave(new Refused({ code: 'NOT_SIGNED_IN', message: '' }))
    if (session()) tellStale(true)
    await pause()
  }
}

/** @returns {Promise<boolean>} whether the server has said who this is, or that it is nobody */
async function identify() {
  try {
    keepSession(await ask('GET', '/v1/manager/me'))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (error.code === 'NOT_RUNNING') {
      tellStale(true)
      return false
    }
    leave(error)
  }
  return true
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, tickMs))
}

/** A picture of the server, as it is at this moment. @param {{ state: any, at: string }} picture */
function take({ state, at }) {
  if (!session()) return
  page.picture = state
  page.at = at
  page.heard = performance.now()
  tellStale(false)
  if (state.change !== page.change) void again()
  draw()
}

/** The part that the address names: what it shows is asked for. */
function open() {
  if (!session()) return drawSignIn()
  chosen(page.hash).part.leave?.()
  page.hash = location.hash
  page.data = undefined
  page.refused = undefined
  page.told = undefined
  draw()
  void load(true)
}

async function again() {
  if (performance.now() - page.askedAt < againMs) return
  page.change = page.picture?.change ?? page.change
  await load(false)
}

/** @param {boolean} isNew */
async function load(isNew) {
  const { part, args } = chosen(page.hash)
  if (!part.load || (!isNew && part.isStill)) return
  const { hash } = page
  page.askedAt = performance.now()
  if (isNew) page.askingSince = page.askedAt
  try {
    const data = await part.load(args)
    if (hash !== page.hash) return
    page.data = data
    page.refused = undefined
  } catch (error) {
    if (hash !== page.hash) return
    if (!(error instanceof Refused)) throw error
    if (error.code === 'NOT_SIGNED_IN') return leave(error)
    page.refused = error
  }
  page.askingSince = 0
  draw()
  if (isNew) main.querySelector('h2')?.focus()
}

function draw() {
  if (!session()) return
  if (!page.picture) return patch(main, [header('page.loading'), navigation()])
  const { part, args } = chosen(page.hash)
  const { headline, nodes } = part.draw({ ...page, args, state: page.picture, now: page.at })
  patch(main, [
    top(page.picture, headline),
    navigation(),
    ...(page.told ? [el('p', { class: 'told', 'data-key': 'told', role: 'status' }, page.told)] : []),
    ...(page.refused ? [refusal(page.refused)] : []),
    ...(page.data === undefined && part.load && !page.refused ? waiting() : nodes),
    footer(),
  ])
  for (const heading of main.querySelectorAll('h2')) heading.tabIndex = -1
  main.setAttribute('aria-busy', String(page.askingSince > 0))
}

/** Nothing is said of a moment; after that, for how long. */
function waiting() {
  const ms = performance.now() - page.askingSince
  return ms < slowMs ? [] : [sentence(say('manager.asking', { seconds: Math.round(ms / 1000) }))]
}

/** @param {string} key */
function header(key) {
  return el('header', { class: 'top idle', 'data-key': 'top' }, el('h1', {}, say(key)))
}

function navigation() {
  const here = chosen(page.hash).name
  const links = partsFor(session()).map(({ name }) =>
    el(
      'li',
      { 'data-key': name },
      el('a', { href: `#${name}`, ...(name === here ? { 'aria-current': 'page' } : {}) }, say(`part.${name}`)),
    ),
  )
  return el('nav', { class: 'parts', 'data-key': 'nav', 'aria-label': say('manager.parts') }, el('ul', {}, ...links))
}

function footer() {
  const { name, role } = session() ?? { name: '', role: '' }
  return el(
    'footer',
    { 'data-key': 'foot' },
    el(
      'p',
      {},
      say('manager.signedIn', { name, role: say(`account.${role}`) }),
      ' ',
      button('signOut', say('manager.signOut')),
    ),
    el('p', {}, say('manager.clock', { now: dated(page.at) })),
  )
}

/** @param {string} act @param {string} words */
function button(act, words) {
  return el('button', { type: 'button', 'data-do': act, class: 'quiet' }, words)
}

/** @param {Refused} refused */
function refusal({ code, message, hint }) {
  return el(
    'div',
    { class: 'box bad', 'data-key': 'refusal', role: 'alert' },
    el('p', { class: 'todo' }, code === 'NOT_RUNNING' ? say('page.staleWhy') : (hint ?? '')),
    el('p', { class: 'detail' }, say('problem.detail', { code, message })),
  )
}

/** @param {Event} event */
async function clicked(event) {
  const target = /** @type {Element} */ (event.target).closest('[data-do]')
  if (!target || target.tagName === 'FORM') return
  const act = target.getAttribute('data-do') ?? ''
  if (act === 'signOut') return signOut()
  await perform(act, target, undefined)
}

/** @param {SubmitEvent} event */
async function submitted(event) {
  event.preventDefault()
  const form = /** @type {HTMLFormElement} */ (event.target)
  if (form.dataset.do === 'signIn') return signIn(form)
  await perform(form.dataset.do ?? '', form, new FormData(form))
}

/** @param {string} act @param {Element} target @param {FormData | undefined} form */
async function perform(act, target, form) {
  const { part, args } = chosen(page.hash)
  const deed = act === 'download' ? download : part.acts?.[act]
  if (!deed || isBusy) return
  isBusy = true
  try {
    const { told, data, stay } = (await deed({ ...page, args, target, form, redraw: draw })) ?? {}
    if (target instanceof HTMLFormElement) target.reset()
    page.refused = undefined
    if (told !== undefined) page.told = told
    if (data !== undefined) page.data = data
    else if (!stay) await load(false).then(() => (part.isStill ? load(true) : undefined))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (error.code === 'NOT_SIGNED_IN') return leave(error)
    page.told = undefined
    page.refused = error
  } finally {
    isBusy = false
  }
  draw()
  main.querySelector('[data-key="refusal"], [data-key="told"]')?.scrollIntoView({ block: 'nearest' })
}

/** @param {HTMLFormElement} form */
async function signIn(form) {
  const given = Object.fromEntries(new FormData(form))
  try {
    const { bearer, me } = await ask('POST', '/v1/manager/session', given)
    form.reset()
    sessionStorage.setItem('bearer', bearer)
    keepSession(me)
    page.why = undefined
    spoken.textContent = ''
    void begin()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    drawSignIn(error)
  }
}

async function signOut() {
  await ask('POST', '/v1/manager/session/end', {}).catch(() => undefined)
  forget('signin.out')
}

/** The session is over. @param {unknown} error */
function leave(error) {
  if (!(error instanceof Refused)) throw error
  forget('signin.over')
}

/** The page is loaded anew, so that nothing that was shown stays on the screen or in its memory. @param {string} why */
function forget(why) {
  turns += 1
  forgetSession()
  main.replaceChildren()
  sessionStorage.setItem('why', why)
  location.replace(location.pathname)
}

/** @param {Refused} [refused] */
function drawSignIn(refused) {
  Object.assign(page, { picture: undefined, data: undefined, refused: undefined, told: undefined, change: -1 })
  tellStale(false)
  patch(main, [header('signin.title'), signInForm(page.why, refused && refusal(refused))])
  main.setAttribute('aria-busy', 'false')
  if (refused) spoken.textContent = refused.hint ?? ''
  if (document.activeElement === document.body) document.getElementById('name')?.focus()
}

/** A server that hangs keeps its connection open: silence tells. */
function tick() {
  if (!session()) return
  if (page.picture && performance.now() - page.heard > silentMs) tellStale(true)
  if (page.picture && page.change !== page.picture.change) void again()
  if (page.askingSince > 0) draw()
}

/** @param {boolean} isStale */
function tellStale(isStale) {
  if (banner.hidden !== isStale) return
  banner.hidden = !isStale
  document.body.classList.toggle('old', isStale)
  const since = page.at ? say('page.stale', { at: second(page.at) }) : say('page.silent')
  banner.replaceChildren(...(isStale ? [el('strong', {}, since), say('manager.staleWhy')] : []))
}
