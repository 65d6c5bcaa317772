// @ts-check
/** What is here and not opened: why, what it and its other version hold, and whether it is to be. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { problem, section, sentence } from '/parts.js'
import { ago, dated, say } from '/words.js'
import { downloads } from './downloads.js'
import { choice, reasonForm } from './forms.js'
import { may } from './session.js'
import { wideTable } from './wide-table.js'

const states = ['waiting', 'refused']
const kinds = { held: 'wait', quarantined: 'bad', refused: 'idle' }

/** @type {import('./parts-of-page.js').Part} */
export const batchesPart = {
  name: 'batches',
  right: 'aside',
  load: ([state = 'waiting', after = '']) =>
    ask(
      'GET',
      `/v1/manager/batches?state=${encodeURIComponent(state)}${after ? `&after=${encodeURIComponent(after)}` : ''}`,
    ),
  draw: ({ data, args: [state = 'waiting'], state: { counts }, now }) => ({
    headline: {
      kind: counts.notOpened > 0 ? 'bad' : 'good',
      text: say(counts.notOpened > 0 ? 'batches.headline' : 'batches.headline.none', { count: counts.notOpened }),
      more: counts.notOpened > 0 ? [say('batches.why')] : [],
    },
    nodes: [chooser(state), ...(data ? [listPart(data, state, now)] : [])],
  }),
}

/** @type {import('./parts-of-page.js').Part} */
export const batchPart = {
  name: 'batch',
  right: 'aside',
  under: 'batches',
  load: ([digest = '']) => ask('GET', `/v1/manager/batches/${encodeURIComponent(digest)}`),
  draw: ({ data }) => ({
    headline: headlineOf(data?.batch),
    nodes: data ? [whyPart(data), contentPart(data), ...versionsPart(data), wayPart(data), ...decisionPart(data)] : [],
  }),
  acts: {
    release: async ({ form, args: [digest] }) => {
      const through = form.get('through')
      const reason = form.get('reason').trim()
      await ask('POST', `/v1/manager/batches/${digest}/release`, { reason, ...(through ? { through } : {}) })
      return { told: say('batch.release.done') }
    },
    refuse: async ({ form, args: [digest] }) => {
      await ask('POST', `/v1/manager/batches/${digest}/refuse`, { reason: form.get('reason').trim() })
      return { told: say('batch.refuse.done') }
    },
  },
}

function headlineOf(batch) {
  if (!batch) return { kind: 'wait', text: say('part.batches') }
  const { producerName: name, seq: n, state } = batch
  return {
    kind: kinds[state] ?? 'good',
    text: say(kinds[state] ? 'batch.headline' : 'batch.headline.opened', { name, n }),
  }
}

function chooser(chosen) {
  const links = states.map((state) =>
    el(
      'li',
      { 'data-key': state },
      el(
        'a',
        { href: `#batches/${state}`, ...(state === chosen ? { 'aria-current': 'true' } : {}) },
        say(`batches.state.${state}`),
      ),
    ),
  )
  return el(
    'nav',
    { class: 'parts', 'data-key': 'states', 'aria-label': say('batches.states') },
    el('ul', {}, ...links),
  )
}

function listPart({ batches, next }, state, now) {
  return section(
    'batches',
    say(`batches.title.${state}`),
    batches.length === 0
      ? sentence(say('batches.none'))
      : el('ul', { class: 'peers' }, ...batches.map((one) => row(one, now))),
    next === null ? null : el('p', {}, el('a', { href: `#batches/${state}/${next}` }, say('manager.more'))),
    downloads('batches'),
  )
}

function row(batch, now) {
  const { digest, state, producerName, seq, branch, changes, courier, since } = batch
  const name = el('bdi', {}, producerName)
  return el(
    'li',
    { class: kinds[state] ?? 'good', 'data-key': digest },
    el(
      'h3',
      {},
      el('a', { href: `#batch/${digest}` }, name, ` · ${say('batches.number', { n: seq })}`),
      branch === null ? '' : ` · ${say('batches.version', { name: shortOf(branch) })}`,
    ),
    el(
      'p',
      { class: 'state' },
      say('batches.changes', { count: changes }),
      ` · ${broughtBy(courier)} · ${ago(since, now)}`,
    ),
    ...why(batch),
  )
}

function broughtBy(courier) {
  return courier === null ? say('batches.direct') : say('batches.broughtBy', { name: courier })
}

/** Why it is not opened, and what was decided. */
function why({ code, message, decided, refused }) {
  const isTold = code === 'BATCH_CONFLICT' || code === 'REVOKED'
  return [
    ...(isTold
      ? [sentence(say(`batches.why.${code}`))]
      : code === null
        ? []
        : problem({ code, message: message ?? '' })),
    refused
      ? sentence(say('batches.refusedBy', { name: refused.user, at: dated(refused.decidedAt), reason: refused.reason }))
      : null,
    decided ? el('p', { class: 'state' }, say(`batches.decided.${decided}`)) : null,
  ]
}

function shortOf(digest) {
  return digest.slice(0, 8)
}

function whyPart({ batch, decisions }) {
  const released = decisions
    .filter(({ decision }) => decision === 'release')
    .map(({ user, reason, decidedAt }) =>
      sentence(say('batches.releasedBy', { name: user, at: dated(decidedAt), reason })),
    )
  const name = `${batch.producerName} · ${say('batches.number', { n: batch.seq })}`
  return section('why', name, ...why(batch), ...released)
}

function contentPart({ content, unreadable }) {
  return section(
    'content',
    say('batch.holds'),
    ...(unreadable ? [sentence(say('batch.unread')), ...problem(unreadable)] : []),
    content.models.length === 0 ? sentence(say('batches.none')) : modelTable(say('batch.models'), content.models),
  )
}

function modelTable(title, models) {
  const rows = models.map(({ model, ...counts }) =>
    el(
      'tr',
      { 'data-key': model },
      el('th', { scope: 'row' }, el('bdi', {}, model)),
      ...['insert', 'update', 'delete'].map((action) => el('td', {}, String(counts[action]))),
    ),
  )
  return wideTable(title, headCells(['batch.model', 'batch.insert', 'batch.update', 'batch.delete']), rows)
}

function headCells(heads) {
  return heads.map((head) => el('th', { scope: 'col' }, say(head)))
}

function versionsPart({ batch, branches }) {
  if (branches.length < 2) return []
  const rows = branches.map((one) => {
    const numbers = one.first === one.last ? String(one.first) : `${one.first}–${one.last}`
    const counts = [one.changes, one.opened, one.waiting, one.refused, one.alsoElsewhere]
    const models = one.models.map(({ model, ...of }) => `${model}: ${of.insert + of.update + of.delete}`)
    return el(
      'tr',
      { 'data-key': one.branch },
      el(
        'th',
        { scope: 'row' },
        el('bdi', {}, shortOf(one.branch)),
        one.branch === batch.branch ? ` (${say('batch.versions.this')})` : '',
      ),
      el('td', {}, numbers),
      ...counts.map((count) => el('td', {}, String(count))),
      el('td', {}, el('bdi', {}, models.join(', ')), one.unread > 0 ? ` ${say('batch.unread')}` : ''),
    )
  })
  const heads = ['version', 'numbers', 'changes', 'opened', 'waiting', 'refused', 'also', 'holds'].map(
    (head) => `batch.${head}`,
  )
  const title = say('batch.versions')
  return [section('versions', title, sentence(say('batch.versions.why')), wideTable(title, headCells(heads), rows))]
}

function wayPart({ path, sealedAt }) {
  const hops = path.map(({ hop, fromName: from, byName: by, at }) =>
    el('li', { 'data-key': `${hop} ${from} ${by}` }, say('batch.hop', { from, by, at: dated(at) })),
  )
  return section(
    'way',
    say('batch.way'),
    sentence(say('batch.packed', { at: dated(sealedAt) })),
    el('ul', { class: 'plain rows' }, ...hops),
  )
}

/** What a person may do about it. */
function decisionPart({ batch, follow }) {
  const { digest, state, code, decided } = batch
  if (!may('decide') || decided || !kinds[state]) return []
  const isFork = code === 'BATCH_CONFLICT'
  const isHeld = isFork || code === 'REVOKED'
  const numbers = follow.map(({ seq }) => seq)
  const behind = follow.length > 0 ? say('batch.follow', { count: follow.length, numbers: numbers.join(', ') }) : ''
  const meaning = say(isFork ? 'batch.release.later' : isHeld ? 'batch.release.here' : 'batch.release.again')
  /** @type {Array<[string, string]>} */
  const options = [
    ['', say('batch.through.all')],
    ...[batch, ...follow].map((one) => [one.digest, say('batch.through.number', { n: one.seq })]),
  ]
  return [
    section(
      'decide',
      say('batch.decide'),
      behind ? sentence(behind) : null,
      reasonForm(
        'release',
        say('batch.release.do'),
        say('decide.reason'),
        { 'data-digest': digest },
        sentence(meaning),
        isHeld && follow.length > 0 ? choice('through', say('batch.through'), options) : null,
      ),
      state === 'refused'
        ? null
        : reasonForm(
            'refuse',
            say('batch.refuse.do'),
            say('decide.reason'),
            { 'data-digest': digest },
            sentence(say('batch.refuse.means')),
          ),
    ),
  ]
}
