// @ts-check
/** What forms are made of. */

import { el } from '/elements.js'

/**
 * A field under its label. What was typed into it stays when the page is drawn again.
 * @param {string} name
 * @param {string} label
 * @param {Record<string, string | number>} [attributes]
 * @param {string} [id]
 */
export function field(name, label, attributes = {}, id = name) {
  return el(
    'p',
    { class: 'field', 'data-key': `field ${id}` },
    el('label', { for: id }, label),
    el('input', { id, name, autocomplete: 'off', ...attributes }),
  )
}

/**
 * A choice under its label.
 * @param {string} name
 * @param {string} label
 * @param {Array<[value: string, words: string]>} options
 * @param {string} [value]
 * @param {string} [id]
 */
export function choice(name, label, options, value = '', id = name) {
  const all = options.map(([key, words]) =>
    el('option', { value: key, 'data-key': key, ...(key === value ? { selected: '' } : {}) }, words),
  )
  return el(
    'p',
    { class: 'field', 'data-key': `field ${id}` },
    el('label', { for: id }, label),
    el('select', { id, name }, ...all),
  )
}

/** A button; the page hears what it is to do. @param {string} act @param {string} words @param {Record<string, string>} [more] */
export function button(act, words, more = {}) {
  return el('button', { type: 'button', 'data-do': act, ...more }, words)
}

/** The reason that a deed needs, and the button that does it. @param {string} act @param {string} words @param {string} label @param {Record<string, string>} [more] @param {...(Node | null)} before */
export function reasonForm(act, words, label, more = {}, ...before) {
  const id = ['reason', act, ...Object.values(more)].join('-')
  return el(
    'form',
    { class: 'decision', 'data-do': act, ...more, 'data-key': id },
    ...before,
    field('reason', label, { required: '', maxlength: 200 }, id),
    el('button', { class: 'bad' }, words),
  )
}
