// @ts-check
/** Perhaps one thing twice: records that bear one natural key, side by side; and merges, which can be taken back. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section, sentence } from '/parts.js'
import { dated, say } from '/words.js'
import { button, reasonForm } from './forms.js'
import { keyText, shown } from './values.js'
import { wideTable } from './wide-table.js'

/** The merge that is asked about. */
let asked = ''

/** @type {import('./parts-of-page.js').Part} */
export const duplicatesPart = {
  name: 'duplicates',
  right: 'decide',
  isStill: true,
  load: () => ask('GET', '/v1/manager/duplicates'),
  draw: ({ data, state: { counts } }) => ({
    headline: {
      kind: counts.duplicates > 0 ? 'wait' : 'good',
      text: say(counts.duplicates > 0 ? 'duplicates.headline' : 'duplicates.headline.none', {
        count: counts.duplicates,
      }),
    },
    nodes: data ? [listPart(data), mergesPart(data.merges)] : [],
  }),
  acts: {
    askDeed: async ({ target }) => {
      asked = target.dataset.key
      return { stay: true }
    },
    merge: async ({ target, form }) => {
      const { model, pks } = JSON.parse(target.dataset.merge)
      await ask('POST', '/v1/manager/merges', { model, pks, reason: form.get('reason').trim() })
      asked = ''
      return { told: say('duplicates.merged') }
    },
    retract: async ({ target, form }) => {
      await ask('POST', `/v1/manager/merges/${target.dataset.merge}/retraction`, { reason: form.get('reason').trim() })
      asked = ''
      return { told: say('duplicates.retracted') }
    },
  },
}

function listPart({ duplicates, isAll }) {
  return section(
    'duplicates',
    say('part.duplicates'),
    sentence(say('duplicates.why')),
    ...(duplicates.length === 0 ? [sentence(say('duplicates.none'))] : duplicates.map(onePart)),
    isAll ? null : sentence(say('duplicates.more')),
  )
}

function onePart({ model, label, records }) {
  const pks = records.map(({ pk }) => pk)
  const key = `${model} ${pks.join(' ')}`
  const names = [...new Set(records.flatMap(({ fields }) => Object.keys(fields)))]
  const differs = (name) => new Set(records.map(({ fields }) => JSON.stringify(fields[name]))).size > 1
  const rows = [...names.filter(differs), ...names.filter((name) => !differs(name))].map((name) =>
    el(
      'tr',
      { class: differs(name) ? 'differs' : '', 'data-key': name },
      el(
        'th',
        { scope: 'row' },
        name,
        differs(name) ? el('span', { class: 'heard' }, ` ${say('conflict.differs')}`) : '',
      ),
      ...records.map(({ fields }) => el('td', {}, shown(fields[name]))),
    ),
  )
  const title = `${label ?? model}: ${keyText(records[0]?.naturalKey ?? [])}`
  return el(
    'div',
    { class: 'entry wait', 'data-key': key },
    el('h3', {}, el('bdi', {}, title)),
    wideTable(title, [el('th', { scope: 'col' }, say('conflict.field')), ...records.map(headCell)], rows),
    asked === key
      ? reasonForm(
          'merge',
          say('duplicates.merge.do'),
          say('decide.reason'),
          { 'data-merge': JSON.stringify({ model, pks }) },
          sentence(say('duplicates.means')),
        )
      : button('askDeed', say('duplicates.merge'), {
          'data-key': key,
          class: 'quiet',
          'aria-label': `${say('duplicates.merge')} ${title}`,
        }),
  )
}

function headCell({ record, pk, producerName, user, recordedAt }) {
  return el(
    'th',
    { scope: 'col' },
    el('p', {}, el('a', { href: `#record/${record}` }, el('bdi', { class: 'pk' }, pk))),
    el('p', { class: 'detail' }, `${user} · `, el('bdi', {}, producerName), ` · ${dated(recordedAt)}`),
  )
}

function mergesPart(merges) {
  const rows = merges.map(({ merge, model, pks, user, reason, decidedAt }) =>
    el(
      'li',
      { 'data-key': merge },
      el('p', {}, el('bdi', {}, `${model}: ${pks.join(', ')}`)),
      el('p', { class: 'detail' }, `${user} · ${dated(decidedAt)} · ${reason}`),
      asked === merge
        ? reasonForm('retract', say('duplicates.retract.do'), say('decide.reason'), { 'data-merge': merge })
        : button('askDeed', say('duplicates.retract'), {
            'data-key': merge,
            class: 'quiet',
            'aria-label': `${say('duplicates.retract')} ${pks.join(', ')}`,
          }),
    ),
  )
  return section(
    'merges',
    say('duplicates.merges'),
    rows.length === 0 ? sentence(say('duplicates.merges.none')) : el('ul', { class: 'plain rows' }, ...rows),
  )
}
