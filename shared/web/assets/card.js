// @ts-check
/** The card of command barcodes, to be printed and kept beside the scanner. */

import { el, patch } from './elements.js'
import { loadWords, say } from './words.js'

const commands = ['UNDO', 'MISSING', 'SIGN']
const digits = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0']

await loadWords()
const page = /** @type {HTMLElement} */ (document.getElementById('page'))
patch(page, [
  el('h1', {}, say('card.title')),
  el('p', { class: 'no-print' }, say('card.how')),
  el('ul', { class: 'barcodes' }, ...commands.map((name) => barcode(name, say(`card.${name}`)))),
  el('h2', {}, say('card.digits')),
  el('ul', { class: 'barcodes' }, ...digits.map((name) => barcode(name, name))),
])
page.setAttribute('aria-busy', 'false')

/**
 * @param {string} name
 * @param {string} words
 */
function barcode(name, words) {
  return el(
    'li',
    {},
    el('strong', {}, words),
    el('img', { src: `/card/${name}.svg`, alt: say('card.barcode', { name: `WAYBILL-${name}` }) }),
  )
}
