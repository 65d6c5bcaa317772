// @ts-check
/** Values of records, as text: nothing that an app recorded is read as markup. */

import { el } from '/elements.js'
import { say } from '/words.js'

const longestLine = 60

/** @param {unknown} value */
export function shown(value) {
  if (value === undefined) return el('i', {}, say('value.absent'))
  if (value === null || value === '') return el('i', {}, say('value.empty'))
  if (typeof value === 'object') {
    const line = JSON.stringify(value)
    return el('pre', {}, line.length > longestLine ? JSON.stringify(value, null, 1) : line)
  }
  return el('bdi', {}, String(value))
}

/** What a person can type to have the same value again. @param {unknown} value */
export function typed(value) {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

/** What was typed, in the kind of the value that stood there. @param {string} text @param {unknown} before */
export function readTyped(text, before) {
  if (typeof before === 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A natural key in one line. @param {unknown[]} key */
export function keyText(key) {
  return key
    .map((part) => (part === null ? '…' : typeof part === 'object' ? JSON.stringify(part) : String(part)))
    .join(' · ')
}

/** All fields of a change, one under the other. @param {Record<string, unknown>} fields @param {number} hidden */
export function fieldList(fields, hidden) {
  const rows = Object.entries(fields).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, shown(value))])
  return [
    ...(rows.length > 0 ? [el('dl', {}, ...rows)] : []),
    ...(hidden > 0 ? [el('p', { class: 'detail' }, say('value.hidden', { count: hidden }))] : []),
  ]
}

/** The model as people call it, and the pk. @param {{ label?: string | null, model: string, pk: string }} record */
export function nameOfRecord({ label, model, pk }) {
  return el('span', {}, el('bdi', {}, label ?? model), ' ', el('bdi', { class: 'pk' }, pk))
}
