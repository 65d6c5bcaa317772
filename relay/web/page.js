// @ts-check
/** The driver's page: may I leave, who is near and how far, what is aboard, what is at the clinic, which receipts to bring back. */

import { el } from '/elements.js'
import { show } from '/frame.js'
import { handoverPage, startHandover } from '/handover.js'
import { inspectorPage, startInspector } from '/inspector.js'
import { batteryWarning, mayLeave, partnersPart, tubesAboard } from '/overview.js'
import { figure, figures, named, problem, section, sentence, support, top } from '/parts.js'
import { ago, listed, moment, say, size } from '/words.js'

const mostPlaces = 8
const mostGone = 20
const kinds = { pulling: 'work', forwarding: 'work', upToDate: 'good', failing: 'bad' }
const batchWords = ['pulling', 'aboard', 'forwarded', 'delivered', 'quarantined']

startHandover()
startInspector()
show((status, now) => handoverPage(status, now) ?? inspectorPage() ?? firstPage(status, now))

function firstPage(status, now) {
  const { batches, receiptsToBringBack } = status
  const near = status.peers.filter(({ state }) => state !== 'gone')
  const gone = status.peers.filter(({ state }) => state === 'gone').toSorted(byNeed)
  const moving = near.filter(({ state }) => state === 'pulling').map(({ name }) => name)
  const handovers = partnersPart(status, now)
  return [
    top(status, withNotes(headline(status, near), status, near)),
    ...batteryWarning(status),
    ...mayLeave(status, moving),
    figures(say('relay.journey'), [
      ...(status.handover ? [figure(tubesAboard(), say('relay.tubes'), 'good', tubesTold(status))] : []),
      figure(batches.aboard.changes, say('relay.aboard'), 'work', aboard(batches)),
      figure(batches.delivered.changes, say('relay.clinic'), 'good', atClinic(batches)),
      figure(receiptsToBringBack, say('relay.receipts'), 'wait', receipts(receiptsToBringBack)),
    ]),
    ...handovers,
    ...onLists(status),
    section('near', say('relay.near'), ...nearby(status, near, now)),
    ...(gone.length > 0 ? [section('gone', say('relay.gone'), ...gonePeers(gone, now))] : []),
    support(status, now),
  ]
}

/** What is signed is counted by itself: a signed handover's tubes are no longer open here. */
function tubesTold({ handovers }) {
  const { signed = 0, signedByOne = 0, atServer = 0 } = handovers ?? {}
  const told = [say('relay.tubes.why')]
  if (signed > 0) told.push(say('relay.signed', { count: signed }))
  if (signedByOne > 0) told.push(say('relay.signedByOne', { count: signedByOne }))
  if (atServer > 0) told.push(say('relay.signed.clinic', { count: atServer }))
  return told
}

/** What the laptops have listed, and where to look at all of it. */
function onLists({ lines, handover }) {
  if (lines === 0) return []
  const more = handover ? [' ', el('a', { href: '#requisitions' }, say('inspect.open'))] : []
  return [el('p', { 'data-key': 'lists' }, say('relay.lines', { count: lines }), ...more)]
}

/** What moves comes first, and never says that the car must wait (invariant 11); then what is still to do; "all" only where the clinic's receipts cover it (invariant 9). */
function headline({ batches, near: { reachable } }, near) {
  const names = (state) => near.filter((peer) => peer.state === state).map(({ name }) => name)
  const packing = near.filter(({ state, unsealed }) => state === 'trusted' && unsealed > 0).map(({ name }) => name)
  const moving = (key, all, more = []) => ({
    kind: 'work',
    text: say(`relay.headline.${key}`, { names: listed(all) }),
    more,
  })
  if (names('pulling').length > 0) return moving('coming', names('pulling'), [say('relay.tubesFirst')])
  if (names('forwarding').length > 0) return moving('giving', names('forwarding'))
  if (packing.length > 0) return moving('packing', packing, [say('relay.tubesFirst')])
  return carried(batches) ?? { kind: 'idle', ...nothing(near.length + reachable) }
}

function carried({ pulling, aboard, forwarded, delivered, quarantined }) {
  const told = (kind, key, { changes }, more = []) => ({
    kind,
    text: say(`relay.headline.${key}`, { count: changes }),
    more,
  })
  const left = pulling.changes > 0 ? [say('relay.left', { count: pulling.changes })] : []
  if (aboard.changes > 0) return told('work', 'carry', aboard, left)
  if (pulling.changes > 0) return told('wait', 'left', pulling, [say('relay.left.why')])
  if (quarantined.changes > 0) return told('bad', 'aside', quarantined, [say('relay.aside.why')])
  if (forwarded.changes > 0) return told('work', 'given', forwarded)
  return delivered.changes > 0 ? told('good', 'clinic', delivered) : undefined
}

function nothing(found) {
  if (found > 0) return { text: say('relay.headline.nothing') }
  return { text: say('relay.headline.nobody'), more: [say('relay.hotspot')] }
}

function withNotes({ more = [], ...told }, { receiptsToBringBack }, near) {
  const troubled = near.filter(isTroubled).map(({ name }) => name)
  const notes = [...more]
  if (troubled.length > 0) notes.push(say('relay.troubled', { count: troubled.length, names: listed(troubled) }))
  if (receiptsToBringBack > 0 && told.kind !== 'work') notes.push(say('relay.bring', { count: receiptsToBringBack }))
  return { ...told, more: notes }
}

function aboard({ aboard: { changes }, pulling }) {
  const coming = pulling.changes > 0 ? [say('relay.coming', { count: pulling.changes })] : []
  return [say(changes > 0 ? 'relay.aboard.some' : 'relay.aboard.none'), ...coming]
}

function atClinic({ delivered: { changes }, forwarded }) {
  const given = forwarded.changes > 0 ? [say('relay.given', { count: forwarded.changes })] : []
  return [say(changes > 0 ? 'relay.clinic.some' : 'relay.clinic.none'), ...given]
}

function receipts(count) {
  return [count > 0 ? say('relay.receipts.some', { count }) : say('relay.receipts.none')]
}

function nearby({ near: { seen, reachable, trusted }, places }, near, now) {
  return [
    sentence(seen > 0 ? say('relay.near.counts', { seen, reachable, trusted }) : say('relay.near.none')),
    ...(seen > 0 ? [peerList(near, now, places.slice(0, mostPlaces).map(strange))] : []),
    ...(places.length > mostPlaces ? [sentence(say('page.more', { count: places.length - mostPlaces }))] : []),
  ]
}

/** Whom to meet again comes first, then who was near last. */
function byNeed(a, b) {
  return leftBehind(b) - leftBehind(a) || b.since.localeCompare(a.since)
}

function gonePeers(gone, now) {
  const more = gone.length > mostGone ? [sentence(say('page.more', { count: gone.length - mostGone }))] : []
  return [peerList(gone.slice(0, mostGone), now), ...more]
}

function peerList(peers, now, more = []) {
  return el('ul', { class: 'peers' }, ...peers.map((peer) => card(peer, now)), ...more)
}

/** Out of reach is how the day goes; a problem is what does not settle by itself. */
function isTroubled({ state, code }) {
  return state === 'failing' && code !== 'PEER_UNREACHABLE'
}

function kindOf(peer) {
  if (peer.state === 'gone' || peer.code === 'PEER_UNREACHABLE') return leftBehind(peer) > 0 ? 'wait' : 'idle'
  return kinds[peer.state] ?? 'idle'
}

function card(peer, now) {
  const { device, name, role, state, code, why, metAt } = peer
  return el(
    'li',
    { class: kindOf(peer), 'data-key': device },
    el('h3', {}, named(name), ` · ${say(`role.${role}`)}`),
    el('p', { class: 'state' }, stateOf(peer, now)),
    ...progress(peer),
    ...(isTroubled(peer) ? problem({ code, message: why }) : []),
    ...carriedOf(peer),
    ...(metAt && state !== 'pulling' ? [el('p', { class: 'detail' }, say('peer.met', { when: ago(metAt, now) }))] : []),
  )
}

function stateOf({ role, state, since, unsealed, code }, now) {
  if (state === 'failing' && code === 'PEER_UNREACHABLE') return say('state.silent')
  const side = role === 'field' ? 'field' : 'server'
  if (side === 'field' && state === 'trusted' && unsealed > 0) return say('state.field.packing', { count: unsealed })
  return say(`state.${side}.${state}`, { since: moment(since, now) })
}

/** Changes of a laptop that are known and not aboard. */
function leftBehind({ batches, unsealed }) {
  return batches.pulling.changes + (unsealed ?? 0)
}

function carriedOf({ batches, state, unsealed }) {
  const counts = batchWords
    .filter((word) => batches[word].changes > 0)
    .map((word) => say(`peer.${word}`, { count: batches[word].changes }))
  if (unsealed > 0 && state !== 'trusted') counts.push(say('peer.unsealed', { count: unsealed }))
  return counts.length > 0 ? [sentence(say('peer.changes', { counts: counts.join(', ') }))] : []
}

function progress({ name, state, progress: now }) {
  if (!now || state !== 'pulling') return []
  const words = say('peer.progress', { done: size(now.bytes), all: size(now.ofBytes) })
  return [el('progress', { max: now.ofBytes, value: now.bytes, 'aria-label': `${name}: ${words}` }), sentence(words)]
}

/** An address where nobody was recognised yet; heard is not reached, reached is not recognised. */
function strange({ address, code, why }) {
  const [kind, key] =
    code === null ? ['idle', 'heard'] : code === 'PEER_UNREACHABLE' ? ['idle', 'silent'] : ['bad', 'refused']
  return el(
    'li',
    { class: kind, 'data-key': address },
    el('h3', {}, say('relay.place', { address })),
    el('p', { class: 'state' }, say(`place.${key}`)),
    ...(kind === 'bad' ? problem({ code, message: why }) : []),
  )
}
