// @ts-check
/** A loss report: what a lost or broken laptop may have taken with it, and not a change more than somebody told. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { named, section, sentence, table } from '/parts.js'
import { dated, listed, number, say } from '/words.js'
import { metWords, notHere } from './board.js'

/** @type {import('./parts-of-page.js').Part} */
export const lossPart = {
  name: 'loss',
  right: 'counts',
  under: 'board',
  load: ([device = '']) => ask('GET', `/v1/manager/losses/${encodeURIComponent(device)}`),
  draw: ({ data, now }) => {
    if (!data) return { headline: { kind: 'idle', text: say('loss.title') }, nodes: [] }
    return {
      headline: headlineOf(data, now),
      nodes: data.role === 'relay' ? relayNodes(data, now) : nodesOf(data, now),
    }
  },
}

function headlineOf({ role, name, changesAtMost, chains, meetings }, now) {
  if (role === 'relay') return { kind: 'work', text: say('loss.headline.driver', { name }) }
  if (meetings.length === 0 && chains.length === 0) return { kind: 'wait', text: say('loss.headline.never', { name }) }
  if (changesAtMost === 0) return { kind: 'good', text: say('loss.headline.none', { name }) }
  return { kind: 'bad', text: `${name}: ${notHere(totalOf(chains, changesAtMost), now)}` }
}

function totalOf(chains, changesAtMost) {
  const times = chains.map(({ hereUntil }) => hereUntil)
  return {
    changesAtMost,
    numbers: 0,
    unsealed: 0,
    hereUntil: times.includes(null) ? null : times.toSorted()[0],
  }
}

function nodesOf({ name, chains, opened, meetings, mayBeWith }, now) {
  const [last] = meetings
  return [
    section(
      'loss',
      say('loss.known', { name }),
      ...chains.map(chainPart),
      sentence(say('loss.opened', { count: opened })),
      mayBeWith.length > 0 ? sentence(say('loss.ask', { names: listed(mayBeWith) })) : null,
      last ? sentence(say('loss.since', { when: dated(last.at) })) : sentence(say('loss.unknown')),
      sentence(say('loss.keep')),
    ),
    meetingsPart(meetings, now),
    printed(now),
  ]
}

function chainPart({ chain, missing, unsealed, hereUntil, numbers }) {
  const spans = missing
    .slice(0, 12)
    .map(([first, last]) => (first === last ? number(first) : say('loss.range', { first, last })))
  return el(
    'ul',
    { class: 'plain', 'data-key': chain },
    hereUntil ? el('li', {}, say('loss.hereUntil', { when: dated(hereUntil) })) : el('li', {}, say('loss.nothing')),
    numbers > 0 ? el('li', {}, say('loss.missing', { count: numbers, numbers: spans.join(', ') })) : null,
    unsealed > 0 ? el('li', {}, say('loss.unsealed', { count: unsealed })) : null,
  )
}

function relayNodes({ meetings }, now) {
  return [
    section('loss', say('loss.driver'), sentence(say('loss.driver.why'))),
    meetingsPart(meetings, now),
    printed(now),
  ]
}

function meetingsPart(meetings, now) {
  const heads = [say('head.who'), say('head.what')]
  const rows = meetings.map((met) => [met.isHere ? say('met.clinic') : named(met.byName), metWords(met, now)])
  return section('meetings', say('loss.meetings'), table(say('loss.meetings'), heads, rows, say('loss.meetings.none')))
}

/** A sheet of paper says when it was true. */
function printed(now) {
  return el('p', { class: 'detail', 'data-key': 'printed' }, say('manager.asOf', { when: dated(now) }))
}
