// @ts-check
import { el, figure, number, say, show, since, table } from '/frame.js'

show((status, now) => {
  const { counts } = status
  const waiting = counts.outbox.changes + counts.sealed.changes
  return [
    el('h1', {}, `${say('field.title')}: ${status.name} · ${status.studyName}`),
    el(
      'ul',
      { class: 'figures' },
      figure(waiting, say('field.safe')),
      figure(counts.withDriver.changes, say('field.driver'), '', counts.withDriver.changes ? 'wait' : ''),
      ...(counts.atServer.changes ? [figure(counts.atServer.changes, say('field.clinicUnopened'), '', 'wait')] : []),
      figure(
        counts.delivered.changes,
        say('field.clinic'),
        say('field.backup', { count: number(counts.safe.changes) }),
        'good',
      ),
      ...(counts.missing.changes ? [figure(counts.missing.changes, say('field.missing'), '', 'bad')] : []),
    ),
    ...couriers(status, now),
    el('h2', {}, say('field.met')),
    table(
      [say('head.laptop'), say('head.role'), say('head.when')],
      status.peers.map((peer) => [peer.name, say(`role.${peer.role}`), since(peer.at, now)]),
      say('field.metNone'),
    ),
    el('h2', {}, say('error.last')),
    lastError(status.lastError, now),
  ]
})

function couriers(status, now) {
  return status.couriers.map(({ changes, name, since: time }) =>
    el('p', {}, say('field.with', { count: number(changes), name, since: since(time, now) })),
  )
}

function lastError(error, now) {
  if (!error) return el('p', {}, say('error.none'))
  return el(
    'p',
    {},
    el('strong', { class: 'bad' }, error.code),
    ` ${error.message} (${since(error.at, now)}). ${error.hint}`,
  )
}
