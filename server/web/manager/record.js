// @ts-check
/** One record, its history, and what names it: to look at, and to print. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section, sentence } from '/parts.js'
import { dated, number, say } from '/words.js'
import { button } from './forms.js'
import { may } from './session.js'
import { fieldList, keyText, nameOfRecord } from './values.js'

const mostPrinted = 200

/** @type {import('./parts-of-page.js').Part} */
export const recordPart = {
  name: 'record',
  right: 'records',
  under: 'records',
  isStill: true,
  load: async ([record = '']) => ({ view: await ask('GET', `/v1/manager/records/${encodeURIComponent(record)}`) }),
  draw: ({ data, now }) => ({
    headline: { kind: data?.view.conflict ? 'bad' : 'work', text: data ? titleOf(data.view) : say('records.headline') },
    nodes: data ? [viewPart(data.view), ...historyParts(data), printedPart(now)] : [],
  }),
  acts: {
    history: async ({ data, args: [record] }) => {
      const history = await ask('GET', `/v1/manager/records/${record}/history`)
      return { data: { ...data, histories: [history] } }
    },
    subject: async ({ data, args: [record], redraw }) => ({ data: await wholeHistory(data, record, redraw) }),
    print: async () => {
      print()
      return { stay: true }
    },
  },
}

/** The record's own history, and those of all records that name it; it is told how far the search is. */
async function wholeHistory(data, record, redraw) {
  const histories = [await ask('GET', `/v1/manager/records/${record}/history`)]
  const naming = new Map()
  let through = 0
  for (let of = 1; through < of; ) {
    const told = await ask('GET', `/v1/manager/records/${record}/naming?after=${through}`)
    for (const one of told.found) naming.set(one.record, one)
    through = told.through
    of = told.of
    data.progress = say('record.looked', { through, of })
    redraw()
  }
  for (const { record: other } of [...naming.values()].slice(0, mostPrinted))
    histories.push(await ask('GET', `/v1/manager/records/${other}/history`))
  return { ...data, progress: undefined, histories, more: Math.max(0, naming.size - mostPrinted) }
}

function titleOf({ label, model, pk, naturalKey }) {
  return `${label ?? model}: ${naturalKey.length > 0 ? keyText(naturalKey) : pk}`
}

function viewPart({ state, conflict, fields, hidden, pks, producerName, user, recordedAt, record, ...named }) {
  return section(
    'record',
    say(`record.state.${state}`),
    el('p', {}, nameOfRecord(named)),
    pks.length > 1 ? sentence(say('record.merged', { pks: pks.slice(1).join(', ') })) : null,
    conflict && may('decide')
      ? el('p', { class: 'state' }, el('a', { href: `#conflict/${record}` }, say('record.conflict')))
      : null,
    el('p', { class: 'detail' }, say('record.by', { user, laptop: producerName, at: dated(recordedAt) })),
    ...fieldList(fields, hidden),
    el(
      'p',
      { class: 'tools' },
      button('history', say('record.history'), { class: 'quiet' }),
      button('subject', say('record.whole'), { class: 'quiet' }),
      button('print', say('manager.print'), { class: 'quiet' }),
    ),
  )
}

function historyParts({ histories = [], progress, more = 0 }) {
  return [
    ...(progress ? [el('p', { 'data-key': 'progress', role: 'status' }, progress)] : []),
    ...histories.map(historyPart),
    ...(more > 0 ? [el('p', { 'data-key': 'more' }, say('record.more', { count: more }))] : []),
  ]
}

function historyPart({ record, entries, isAll, ...named }) {
  const rows = entries.map((entry) => entryPart(entry))
  return section(
    `history-${record}`,
    say('record.historyOf', { name: `${named.label ?? named.model} ${keyText(entries.at(-1)?.naturalKey ?? [])}` }),
    el('p', { class: 'detail' }, nameOfRecord(named)),
    ...rows,
    isAll ? null : sentence(say('record.notAll', { shown: number(entries.length) })),
  )
}

function entryPart({
  digest,
  action,
  user,
  recordedAt,
  producerName,
  seq,
  ingestedAt,
  state,
  code,
  isShown,
  isHead,
  reason,
  ...what
}) {
  const kind = state === 'applied' ? (isHead ? 'good' : 'idle') : 'wait'
  return el(
    'div',
    { class: `entry ${kind}`, 'data-key': digest },
    el('p', {}, el('b', {}, say(`action.${action}`)), ` · ${user} · ${dated(recordedAt)}`),
    el('p', { class: 'detail' }, say('record.came', { laptop: producerName, number: seq, at: dated(ingestedAt) })),
    el(
      'p',
      { class: 'state' },
      say(`entry.${state}`),
      code ? ` (${code})` : '',
      isShown ? ` · ${say('entry.shown')}` : '',
    ),
    reason ? el('p', {}, say('record.reason', { reason })) : null,
    ...fieldList(what.fields, what.hidden),
  )
}

function printedPart(now) {
  return el('p', { class: 'detail', 'data-key': 'printed' }, say('manager.asOf', { when: dated(now) }))
}
