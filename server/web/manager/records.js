// @ts-check
/** Finding a record: by its model and pk, by its natural key, or in the list of its model. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section, sentence } from '/parts.js'
import { say } from '/words.js'
import { downloads } from './downloads.js'
import { button, choice, field } from './forms.js'
import { keyText, nameOfRecord } from './values.js'

/** What was asked for last; it is on no address, since a natural key is a clinical value. */
let search = { model: '', /** @type {any} */ listed: undefined }

/** @type {import('./parts-of-page.js').Part} */
export const recordsPart = {
  name: 'records',
  right: 'records',
  isStill: true,
  load: () => ask('GET', '/v1/manager/models'),
  draw: ({ data }) => ({
    headline: { kind: 'work', text: say('records.headline'), more: [say('records.written')] },
    nodes: data ? [searchPart(data.models), ...foundPart()] : [],
  }),
  acts: {
    model: async ({ form, redraw }) => {
      search = { model: form.get('model'), listed: undefined }
      redraw()
      return { stay: true }
    },
    find: async ({ form, target }) => {
      const parts = [...form.getAll('key')].map((part) => part.trim())
      const pk = form.get('pk')?.trim()
      const asked = pk ? { pk } : { naturalKey: parts }
      const listed = await ask('POST', '/v1/manager/records/search', { model: target.dataset.model, ...asked })
      search = { ...search, listed }
      return { stay: true, told: say('records.found', { count: listed.found.length }) }
    },
    list: async ({ target }) => {
      const { model, after = '' } = target.dataset
      search = { model, listed: await ask('POST', '/v1/manager/records/search', { model, after }) }
      return { stay: true }
    },
  },
}

function searchPart(models) {
  const known = models.find(({ model }) => model === search.model) ?? models[0]
  if (!known) return section('search', say('records.search'), sentence(say('records.noModel')))
  const options = models.map(({ model, label }) => [model, label ? `${label} (${model})` : model])
  const parts = known.naturalKey.map((name, index) =>
    field('key', name, { required: '', maxlength: 1000 }, `key-${index}`),
  )
  return section(
    'search',
    say('records.search'),
    sentence(say('records.how')),
    el(
      'form',
      { class: 'inline', 'data-do': 'model', 'data-key': 'model' },
      choice('model', say('records.model'), options, known.model),
      el('button', { class: 'quiet' }, say('records.choose')),
    ),
    parts.length === 0 ? null : findForm(known.model, 'key', parts),
    findForm(known.model, 'pk', [field('pk', say('records.pk'), { required: '', maxlength: 1000 })]),
    el(
      'p',
      { class: 'tools' },
      button('list', say('records.list', { model: known.label ?? known.model }), {
        'data-model': known.model,
        class: 'quiet',
      }),
    ),
    downloads('records', { model: known.model }),
  )
}

function findForm(model, by, fields) {
  return el(
    'form',
    { class: 'inline', 'data-do': 'find', 'data-model': model, 'data-key': `find ${by} ${model}` },
    ...fields,
    el('button', {}, say(`records.find.${by}`)),
  )
}

function foundPart() {
  const { listed, model } = search
  if (!listed) return []
  const rows = listed.found.map(({ record, naturalKey, state, ...named }) =>
    el(
      'li',
      { 'data-key': String(record) },
      el(
        'a',
        { href: `#record/${record}` },
        naturalKey.length > 0 ? el('bdi', {}, keyText(naturalKey)) : nameOfRecord(named),
      ),
      state === 'deleted' ? ` · ${say('record.state.deleted')}` : '',
    ),
  )
  return [
    section(
      'found',
      say('records.title'),
      rows.length === 0 ? sentence(say('records.none')) : el('ul', { class: 'plain rows' }, ...rows),
      listed.next === null
        ? null
        : button('list', say('manager.more'), { 'data-model': model, 'data-after': listed.next, class: 'quiet' }),
    ),
  ]
}
