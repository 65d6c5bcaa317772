// @ts-check
/** The study's reasons, ten at a time: a digit chooses one, and MISSING shows the next ten. */

import { desk } from './desk.js'
import { el } from './elements.js'
import { redraw } from './frame.js'
import { button } from './handover-parts.js'
import { say } from './words.js'

const atOnce = 10

/** The reasons that a digit can choose now. @param {{ code: string, words: string }[]} reasons */
function shown(reasons) {
  const pages = Math.max(1, Math.ceil(reasons.length / atOnce))
  const first = (desk.reasonsTurned % pages) * atOnce
  return reasons.slice(first, first + atOnce)
}

/** The reason that a digit means; 0 is the tenth. @param {{ code: string, words: string }[]} reasons @param {number} digit */
export function reasonOf(reasons, digit) {
  return shown(reasons)[digit === 0 ? atOnce - 1 : digit - 1]
}

/** Shows the next ten, while a reason is asked for. @param {any} question @param {any[]} reasons @returns whether there are any more */
export function turnReasons(question, reasons) {
  if (!question || question.ask === 'count' || reasons.length <= atOnce) return false
  desk.reasonsTurned += 1
  redraw()
  return true
}

/** Each with its digit, and the way to the others. @param {{ code: string, words: string }[]} reasons */
export function choices(reasons) {
  const buttons = shown(reasons).map(({ code, words }, index) => {
    const choice = button('', { 'data-do': 'reason', 'data-reason': code })
    choice.append(el('kbd', {}, (index + 1) % atOnce), el('bdi', {}, words))
    return choice
  })
  const others = button(say('question.others'), { 'data-do': 'missing', class: 'quiet' })
  return el('div', { class: 'choices' }, ...buttons, ...(reasons.length > atOnce ? [others] : []))
}
