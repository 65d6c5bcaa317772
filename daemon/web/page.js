// @ts-check
/** The research assistant's page: what is safe here, what a driver has, what is at the clinic. */

import { appHeadline, appPart, unreadHeadline } from '/app-outbox.js'
import { el } from '/elements.js'
import { show } from '/frame.js'
import { handoverPage, startHandover } from '/handover.js'
import { batteryWarning, partnersPart } from '/overview.js'
import { figure, figures, lastProblem, named, section, sentence, support, top } from '/parts.js'
import { tubesPart } from '/tubes.js'
import { ago, listed, moment, say } from '/words.js'

startHandover()
show((status, now) => handoverPage(status, now) ?? firstPage(status, now))

function firstPage(status, now) {
  const { counts, peers, lastError } = status
  const waiting = counts.outbox.changes + counts.sealed.changes
  const isNew = lastError && !(peers[0]?.at > lastError.at)
  const problem = lastProblem(lastError, aboutOf(status), now, isNew)
  return [
    top(status, withWhere(headline(status, waiting), status, waiting, now)),
    ...batteryWarning(status),
    ...(isNew ? [problem] : []),
    figures(say('field.journey'), [
      figure(waiting, say('field.safe'), 'work', [
        waiting > 0 ? say('field.safe.some', { count: waiting }) : say('field.safe.none'),
      ]),
      figure(counts.withDriver.changes, say('field.driver'), 'work', withDriver(status, now)),
      figure(counts.delivered.changes, say('field.clinic'), 'good', atClinic(counts)),
    ]),
    ...appPart(status, now),
    ...partnersPart(status, now),
    ...tubesPart(status, now),
    section('met', say('field.met'), ...meetings(peers, now)),
    ...(isNew ? [] : [problem]),
    support(status, now),
  ]
}

/** In one line: where everything is. */
function withWhere(told, { counts, couriers, appOutbox }, waiting, now) {
  const [courier] = couriers
  const driver =
    counts.withDriver.changes === 0 || !courier
      ? []
      : [
          say('field.where.driver', {
            count: counts.withDriver.changes,
            name: listed(couriers.map(({ name }) => name)),
            at: moment(courier.since, now),
          }),
        ]
  const parts = [
    ...(appOutbox?.waiting > 0 ? [say('field.where.app', { count: appOutbox.waiting })] : []),
    say('field.where.here', { count: waiting }),
    ...driver,
    say('field.where.clinic', { count: counts.delivered.changes }),
  ]
  return { ...told, more: [parts.join(' · '), ...(told.more ?? [])] }
}

/** What is furthest from the clinic is the sentence: "all" only when a delivery receipt covers all (invariant 9). */
function headline(status, waiting) {
  const { counts } = status
  const told = (kind, key, count, why) => ({
    kind,
    text: say(`field.headline.${key}`, { count }),
    more: [say(why, { count })],
  })
  if (counts.missing.changes > 0) return told('bad', 'missing', counts.missing.changes, 'field.missing')
  const inApp = appHeadline(status)
  if (inApp) return inApp
  if (waiting > 0) return told('work', 'waiting', waiting, 'field.waiting.why')
  if (counts.withDriver.changes > 0) return told('work', 'driver', counts.withDriver.changes, 'field.copy.why')
  if (counts.atServer.changes > 0) return told('work', 'arrived', counts.atServer.changes, 'field.copy.why')
  const unread = unreadHeadline(status)
  if (unread) return unread
  if (counts.delivered.changes > 0) return told('good', 'clinic', counts.delivered.changes, 'field.clinic.why')
  return { kind: 'idle', text: say('field.headline.none') }
}

/** Couriers' times are of their own clocks, so they are told as such and not counted from. */
function withDriver({ counts, couriers }, now) {
  if (counts.withDriver.changes === 0) return [say('field.driver.none')]
  const shown = couriers
    .slice(0, 5)
    .map(({ name, since, changes }) => say('field.driver.took', { name, count: changes, at: moment(since, now) }))
  return couriers.length > 5 ? [...shown, say('page.more', { count: couriers.length - 5 })] : shown
}

function atClinic(counts) {
  const arrived = counts.atServer.changes > 0 ? [say('field.arrived', { count: counts.atServer.changes })] : []
  return [counts.delivered.changes > 0 ? inBackup(counts) : say('field.clinic.none'), ...arrived]
}

function inBackup({ safe, delivered }) {
  if (safe.changes === 0) return say('field.clinic.unsafe')
  return safe.changes < delivered.changes
    ? say('field.clinic.partly', { count: safe.changes })
    : say('field.clinic.safe')
}

function meetings([last, ...earlier], now) {
  if (!last) return [sentence(say('field.met.none'))]
  if (earlier.length === 0) return [meeting('p', last, now)]
  return [
    meeting('p', last, now),
    el(
      'details',
      {},
      el('summary', {}, say('field.met.earlier', { count: earlier.length })),
      el('ul', {}, ...earlier.map((peer) => meeting('li', peer, now))),
    ),
  ]
}

function meeting(tag, { name, role, at }, now) {
  return el(tag, {}, named(name), ` (${say(`role.${role}`)}), ${ago(at, now)}`)
}

/** The problem names a device or a batch; a person knows the device by its name. */
function aboutOf({ lastError, peers }) {
  const about = lastError?.about ?? ''
  return listed([peers.find(({ device }) => device === about)?.name ?? about.slice(0, 8)])
}
