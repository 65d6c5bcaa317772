// @ts-check
/** The study's people: who may be chosen as on shift. Saving publishes the next study configuration. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section, sentence } from '/parts.js'
import { number, say } from '/words.js'
import { button, field } from './forms.js'

const mostShown = 200

/** @type {import('./parts-of-page.js').Part} */
export const peoplePart = {
  name: 'people',
  right: 'decide',
  isStill: true,
  load: () => ask('GET', '/v1/manager/people'),
  draw: ({ data }) => ({
    headline: { kind: 'work', text: say('people.headline', { count: data?.people.length ?? 0 }) },
    nodes: data ? [listPart(data), addPart()] : [],
  }),
  acts: {
    addPerson: async ({ form, data }) => {
      const person = Object.fromEntries(['id', 'name', 'role'].map((key) => [key, form.get(key).trim()]))
      return publish(data.version, [...data.people, person])
    },
    removePerson: async ({ target, data }) =>
      publish(
        data.version,
        data.people.filter(({ id }) => id !== target.dataset.id),
      ),
  },
}

async function publish(version, people) {
  const data = await ask('POST', '/v1/manager/people', { version, people })
  return { data, told: say('people.published', { version: data.version }) }
}

function listPart({ version, people }) {
  const rows = people.slice(0, mostShown).map(({ id, name, role }) =>
    el(
      'li',
      { 'data-key': id },
      el('bdi', {}, el('b', {}, name)),
      ` · ${role} · ${id} `,
      button('removePerson', say('people.remove'), {
        'data-id': id,
        class: 'quiet',
        'aria-label': `${say('people.remove')} ${name}`,
      }),
    ),
  )
  return section(
    'list',
    say('people.title'),
    sentence(say('people.why', { version: number(version) })),
    rows.length === 0 ? sentence(say('people.none')) : el('ul', { class: 'plain rows' }, ...rows),
    people.length > mostShown ? sentence(say('page.more', { count: people.length - mostShown })) : null,
  )
}

function addPart() {
  return section(
    'add',
    say('people.add'),
    el(
      'form',
      { class: 'inline', 'data-do': 'addPerson', 'data-key': 'addPerson' },
      field('name', say('people.name'), { required: '', maxlength: 200 }),
      field('role', say('people.role'), { required: '', maxlength: 200 }),
      field('id', say('people.id'), { required: '', maxlength: 200 }),
      el('button', {}, say('people.publish')),
    ),
  )
}
