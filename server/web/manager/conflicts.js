// @ts-check
/** Records that say two things at once: side by side, and a person decides. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section, sentence } from '/parts.js'
import { ago, dated, say } from '/words.js'
import { downloads } from './downloads.js'
import { button, field } from './forms.js'
import { keyText, nameOfRecord, readTyped, shown, typed } from './values.js'
import { wideTable } from './wide-table.js'

/** The version that is chosen, by record. @type {Map<string, string>} */
const chosen = new Map()

/** @type {import('./parts-of-page.js').Part} */
export const conflictsPart = {
  name: 'conflicts',
  right: 'decide',
  load: ([after]) => ask('GET', `/v1/manager/conflicts${after ? `?after=${encodeURIComponent(after)}` : ''}`),
  draw: ({ data, state: { counts }, now }) => ({
    headline: {
      kind: counts.conflicts > 0 ? 'bad' : 'good',
      text: say(counts.conflicts > 0 ? 'conflicts.headline' : 'conflicts.headline.none', { count: counts.conflicts }),
    },
    nodes: data ? [listPart(data, now)] : [],
  }),
}

/** @type {import('./parts-of-page.js').Part} */
export const conflictPart = {
  name: 'conflict',
  right: 'decide',
  under: 'conflicts',
  isStill: true,
  load: ([record = '']) => ask('GET', `/v1/manager/conflicts/${encodeURIComponent(record)}`),
  draw: ({ data }) => ({
    headline: {
      kind: 'bad',
      text: say('conflict.headline', { count: data?.heads.length ?? 2 }),
      more: [say('conflict.meanwhile')],
    },
    nodes: data ? [sidesPart(data), decisionPart(data)] : [],
  }),
  acts: {
    choose: async ({ target, args: [record] }) => {
      chosen.set(record, target.dataset.digest)
      return { stay: true }
    },
    resolve: async ({ form, data, args: [record] }) => {
      const head = headOf(data)
      const fields = Object.fromEntries(
        data.differs.flatMap((name) => {
          const value = readTyped(form.get(`own ${name}`), head.fields[name])
          return JSON.stringify(value) === JSON.stringify(head.fields[name] ?? '') ? [] : [[name, value]]
        }),
      )
      const seen = data.heads.map(({ digest }) => digest)
      const reason = form.get('reason').trim()
      await ask('POST', `/v1/manager/conflicts/${record}`, { head: head.digest, seen, fields, reason })
      chosen.delete(record)
      location.hash = '#conflicts'
      return { told: say('conflict.done'), stay: true }
    },
  },
}

function headOf({ record, heads }) {
  return heads.find(({ digest }) => digest === chosen.get(String(record))) ?? heads[0]
}

function listPart({ conflicts, next }, now) {
  const rows = conflicts.map(({ record, heads, since, ...named }) =>
    el(
      'li',
      { class: 'bad', 'data-key': String(record) },
      el('h3', {}, el('a', { href: `#conflict/${record}` }, nameOfRecord(named))),
      el('p', { class: 'state' }, say('conflicts.versions', { count: heads }), since ? ` · ${ago(since, now)}` : ''),
    ),
  )
  return section(
    'conflicts',
    say('part.conflicts'),
    rows.length === 0 ? sentence(say('conflicts.none')) : el('ul', { class: 'peers' }, ...rows),
    next === null ? null : el('p', {}, el('a', { href: `#conflicts/${next}` }, say('manager.more'))),
    downloads('conflicts'),
  )
}

function sidesPart(conflict) {
  const { heads, differs, hiddenDiffers } = conflict
  const mine = headOf(conflict)
  const names = [...new Set(heads.flatMap(({ fields }) => Object.keys(fields)))]
  const ordered = [
    ...names.filter((name) => differs.includes(name)),
    ...names.filter((name) => !differs.includes(name)),
  ]
  const rows = ordered.map((name) =>
    el(
      'tr',
      { class: differs.includes(name) ? 'differs' : '', 'data-key': name },
      el(
        'th',
        { scope: 'row' },
        name,
        differs.includes(name) ? el('span', { class: 'heard' }, ` ${say('conflict.differs')}`) : '',
      ),
      ...heads.map(({ fields }) => el('td', {}, shown(fields[name]))),
    ),
  )
  return section(
    'sides',
    say('conflict.title'),
    el('p', {}, nameOfRecord(conflict)),
    wideTable(
      say('conflict.title'),
      [el('th', { scope: 'col' }, say('conflict.field')), ...heads.map((head) => headCell(head, mine))],
      rows,
    ),
    hiddenDiffers ? sentence(say('conflict.hidden')) : null,
  )
}

function headCell({ digest, action, user, producerName, recordedAt, isShown, naturalKey }, mine) {
  const isMine = digest === mine.digest
  return el(
    'th',
    { scope: 'col' },
    el('p', {}, say(`action.${action}`), ` · ${user}`),
    el('p', { class: 'detail' }, el('bdi', {}, producerName), ` · ${dated(recordedAt)}`),
    el('p', { class: 'detail' }, keyText(naturalKey)),
    isShown ? el('p', {}, say('conflict.shown')) : null,
    isMine
      ? el('p', { class: 'state' }, say('conflict.chosen'))
      : button('choose', say('conflict.choose'), { 'data-digest': digest, class: 'quiet' }),
  )
}

/** The chosen version, field by field where they differ, to be written over. */
function decisionPart(conflict) {
  const head = headOf(conflict)
  const own = head.action === 'delete' ? [] : conflict.differs
  const inputs = own.map((name) =>
    field(
      `own ${name}`,
      name,
      { value: typed(head.fields[name]), maxlength: 100_000 },
      `own-${name}-${head.digest.slice(0, 8)}`,
    ),
  )
  return section(
    'decide',
    say('conflict.decide'),
    el(
      'form',
      { class: 'decision', 'data-do': 'resolve', 'data-key': `resolve ${head.digest}` },
      sentence(say(head.action === 'delete' ? 'conflict.deletes' : 'conflict.own')),
      ...inputs,
      field('reason', say('decide.reason'), { required: '', maxlength: 1000 }, 'resolve-reason'),
      el('button', {}, say('conflict.do')),
    ),
  )
}
