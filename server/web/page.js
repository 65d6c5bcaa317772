// @ts-check
import { el, figure, number, say, show, since, table } from '/frame.js'

show((status, now) => {
  const { counts } = status
  const aside = counts.held.batches + counts.quarantined.batches
  return [
    el('h1', {}, `${say('server.title')} · ${status.studyName}`),
    el(
      'ul',
      { class: 'figures' },
      figure(counts.ingested.changes, say('server.waiting'), '', counts.ingested.changes ? 'wait' : ''),
      figure(counts.changes, say('server.opened'), '', 'good'),
      figure(aside, say('server.aside'), '', aside ? 'bad' : ''),
    ),
    el('h2', {}, say('server.laptops')),
    table(
      [say('head.laptop'), say('head.opened'), say('head.missing')],
      status.chains.map((chain) => [
        chain.name,
        `${number(chain.through)} / ${number(chain.witnessed)}`,
        missing(chain),
      ]),
      say('server.laptopsNone'),
    ),
    ...(status.aside.length ? [el('h2', {}, say('server.aside')), asideTable(status.aside)] : []),
    ...status.alarms.map((alarm) => el('p', { class: 'bad' }, alarm)),
    el('h2', {}, say('error.last')),
    lastError(status.lastError, now),
  ]
})

function missing(chain) {
  if (chain.missing.length === 0) return say('server.missingNone')
  return chain.missing.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ')
}

function asideTable(rows) {
  return table(
    [say('head.laptop'), say('head.state'), say('head.error')],
    rows.map(({ producer, seq, state, code, message }) => [
      `${producer.slice(0, 8)} ${seq}`,
      state,
      `${code ?? ''} ${message ?? ''}`,
    ]),
    '',
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
