// @ts-check
/** The own account: what it may do, and its password. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section } from '/parts.js'
import { say } from '/words.js'
import { field } from './forms.js'
import { session } from './session.js'

/** @type {import('./parts-of-page.js').Part} */
export const accountPart = {
  name: 'account',
  right: 'counts',
  draw: () => {
    const { name, role, rights } = session() ?? { name: '', role: 'reader', rights: [] }
    return {
      headline: { kind: 'work', text: say('account.headline', { name, role: say(`account.${role}`) }) },
      nodes: [rightsPart(rights), passwordPart(name)],
    }
  },
  acts: {
    password: async ({ target, form }) => {
      const [old, next, again] = ['old', 'next', 'again'].map((key) => form.get(key))
      if (next !== again) return { told: say('account.unlike'), stay: true }
      await ask('POST', '/v1/manager/password', { old, next })
      target.reset()
      return { told: say('account.changed'), stay: true }
    },
  },
}

function rightsPart(rights) {
  const all = ['counts', 'aside', 'records', 'decide'].map((right) => {
    const answer = rights.includes(right) ? 'yes' : 'no'
    const sign = answer === 'yes' ? '✓ ' : '– '
    return el('li', {}, el('span', { 'aria-hidden': 'true' }, sign), say(`right.${right}.${answer}`))
  })
  return section('rights', say('account.rights'), el('ul', { class: 'plain' }, ...all))
}

function passwordPart(name) {
  const one = (key, complete) =>
    field(key, say(`account.${key}`), { type: 'password', required: '', maxlength: 200, autocomplete: complete })
  return section(
    'password',
    say('account.password'),
    el(
      'form',
      { class: 'narrow', 'data-do': 'password', 'data-key': 'password' },
      el('input', { type: 'text', value: name, autocomplete: 'username', hidden: '', 'aria-hidden': 'true' }),
      one('old', 'current-password'),
      one('next', 'new-password'),
      one('again', 'new-password'),
      el('p', { class: 'detail' }, say('account.password.how')),
      el('button', {}, say('account.change')),
    ),
  )
}
