// @ts-check
/** What is around the tubes: the other laptop, and how cold the box is. */

import { el } from './elements.js'
import { number, say, second } from './words.js'

/** Both laptops speak about twice a second; after this long one does not hear the other. */
const silentMs = 10_000

/** What is not known is said: whether the other laptop still hears us. */
export function heard({ side, giverName, takerName, heardAt, otherPerson }, now) {
  const name = side === 'taker' ? giverName : takerName
  const silent = heardAt === null || Date.parse(now) - Date.parse(heardAt) > silentMs
  const words = !heardAt
    ? say('heard.never', { name })
    : silent
      ? say('heard.since', { name, at: second(heardAt) })
      : say(otherPerson ? 'heard.by' : 'heard.now', { name, person: otherPerson?.name ?? '' })
  return el('p', { class: `heard ${silent ? 'wait' : 'good'}`, 'data-key': 'heard' }, words)
}

/** Asked once, where the study asks at all. */
export function temperaturePart({ temperature, temperatureLimits, isClosed }) {
  if (!temperatureLimits) return []
  const { lowest, highest } = temperatureLimits
  const isOutside = temperature !== null && (temperature < lowest || temperature > highest)
  const told =
    temperature === null
      ? null
      : say(isOutside ? 'temperature.outside' : 'temperature.inside', { celsius: number(temperature), lowest, highest })
  if (told !== null || isClosed)
    return [
      el('p', { class: `state ${isOutside ? 'bad' : 'good'}`, 'data-key': 'celsius' }, told ?? say('temperature.none')),
    ]
  return [
    el(
      'form',
      { class: 'field temperature', 'data-do': 'temperature', 'data-key': 'temperature' },
      el('label', { for: 'celsius' }, say('temperature.ask', { lowest, highest })),
      el('input', { id: 'celsius', type: 'text', inputmode: 'decimal', maxlength: 8, autocomplete: 'off' }),
      el('button', { type: 'submit' }, say('temperature.save')),
    ),
  ]
}
