// @ts-check
/** Name and password. */

import { el } from '/elements.js'
import { say } from '/words.js'
import { field } from './forms.js'

/**
 * @param {string | undefined} why the page is signed out
 * @param {Element | undefined} refusal
 */
export function signInForm(why, refusal) {
  return el(
    'form',
    { class: 'narrow', 'data-do': 'signIn', 'data-key': 'signIn' },
    why ? el('p', { 'data-key': 'why', role: 'status' }, say(why)) : null,
    refusal ?? null,
    field('name', say('signin.name'), { autocomplete: 'username', required: '', maxlength: 200, spellcheck: 'false' }),
    field('password', say('signin.password'), {
      ...{ type: 'password', autocomplete: 'current-password', required: '', maxlength: 1000 },
    }),
    el('button', { 'data-key': 'go' }, say('signin.do')),
    el('p', { class: 'detail', 'data-key': 'how' }, say('signin.how')),
  )
}
