// @ts-check
import { el } from '/elements.js'

/**
 * A table that may be wider than the page: it scrolls by itself, with the keyboard too.
 * @param {string} title
 * @param {Node[]} heads its columns' heads, as cells
 * @param {Node[]} rows
 */
export function wideTable(title, heads, rows) {
  return el(
    'div',
    { class: 'wide', tabindex: 0, role: 'group', 'aria-label': title },
    el(
      'table',
      { class: 'sides days' },
      el('caption', {}, title),
      el('thead', {}, el('tr', {}, ...heads)),
      el('tbody', {}, ...rows),
    ),
  )
}
