// @ts-check
/** What every page does: signs in with its launch token, follows the program live, and says so when it hears nothing. */

const staleAfterMs = 12_000

/**
 * Builds an element. Text is only ever text: nothing that came from outside is read as markup.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string | number)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))))
  return element
}

/** @type {Record<string, string>} */
let messages = {}

/**
 * The sentence for a key, with its {places} filled.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  return (messages[key] ?? key).replace(/\{(\w+)\}/g, (_all, name) => String(values[name] ?? ''))
}

/** @param {number} count */
export function number(count) {
  return count.toLocaleString('en')
}

/**
 * A time of day, with how long ago: clocks of laptops differ, so the program's own time is what we count from.
 * @param {string} time
 * @param {string} now
 */
export function since(time, now) {
  const minutes = Math.round((Date.parse(now) - Date.parse(time)) / 60_000)
  const clock = new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  if (minutes < 0) return say('time.future', { clock })
  if (minutes < 1) return say('time.now', { clock })
  if (minutes < 120) return say('time.minutes', { clock, minutes })
  return say('time.hours', { clock, date: time.slice(0, 10), hours: Math.round(minutes / 60) })
}

/**
 * A figure with its words.
 * @param {number} count
 * @param {string} words
 * @param {string} [small]
 * @param {string} [kind] good, wait or bad
 */
export function figure(count, words, small = '', kind = '') {
  return el(
    'li',
    {},
    el('b', { class: kind }, number(count)),
    words,
    ...(small ? [el('br'), el('small', {}, small)] : []),
  )
}

/**
 * A table; no rows say so in words.
 * @param {string[]} heads
 * @param {(string | number)[][]} rows
 * @param {string} none
 */
export function table(heads, rows, none) {
  if (rows.length === 0) return el('p', {}, none)
  const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)))
  const body = rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell))))
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': heads.join(', ') },
    el('table', {}, el('thead', {}, head), el('tbody', {}, ...body)),
  )
}

/**
 * Shows the page: `draw` gives its content for each picture of the program's state.
 * @param {(state: any, now: string) => Node[]} draw
 */
export async function show(draw) {
  messages = await (await fetch('/messages.json')).json()
  const page = /** @type {HTMLElement} */ (document.getElementById('page'))
  let heard = performance.now()
  let heardAt = ''
  setInterval(() => tellStale(performance.now() - heard > staleAfterMs, heardAt), 1_000)
  const bearer = await signIn()
  if (!bearer) return page.replaceChildren(el('h1', {}, document.title), el('p', {}, say('page.signedOut')))
  for (;;) {
    try {
      for await (const picture of pictures(bearer)) {
        heard = performance.now()
        heardAt = new Date().toLocaleTimeString('en-GB')
        page.replaceChildren(...draw(picture.state, picture.at))
        page.setAttribute('aria-busy', 'false')
      }
    } catch (error) {
      if (error instanceof SignedOut) {
        sessionStorage.removeItem('bearer')
        return page.replaceChildren(el('h1', {}, document.title), el('p', {}, say('page.signedOut')))
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

class SignedOut extends Error {}

/** The launch token leaves the address bar before anything else happens. */
async function signIn() {
  const launch = new URLSearchParams(location.hash.slice(1)).get('launch')
  history.replaceState(null, '', location.pathname)
  if (!launch) return sessionStorage.getItem('bearer')
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch('/v1/session', { method: 'POST', headers, body: JSON.stringify({ launch }) })
  if (!answer.ok) return sessionStorage.getItem('bearer')
  const { bearer } = await answer.json()
  sessionStorage.setItem('bearer', bearer)
  return bearer
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

/**
 * @param {boolean} stale
 * @param {string} at
 */
function tellStale(stale, at) {
  const banner = /** @type {HTMLElement} */ (document.getElementById('stale'))
  if (banner.hidden !== stale) return
  banner.hidden = !stale
  banner.textContent = stale ? say(at ? 'page.stale' : 'page.silent', { at }) : ''
}
