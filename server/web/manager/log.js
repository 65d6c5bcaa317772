// @ts-check
/** What people did at this server: appended, never changed. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { section, sentence, table } from '/parts.js'
import { dated, say } from '/words.js'
import { downloads } from './downloads.js'

/** @type {import('./parts-of-page.js').Part} */
export const logPart = {
  name: 'log',
  right: 'decide',
  load: ([before]) => ask('GET', `/v1/manager/acts${before ? `?before=${before}` : ''}`),
  draw: ({ data }) => ({
    headline: { kind: 'work', text: say('log.headline') },
    nodes: data ? [listPart(data.acts)] : [],
  }),
}

function listPart(acts) {
  const heads = ['when', 'who', 'what', 'about', 'reason'].map((head) => say(`head.${head}`))
  const rows = acts.map(({ at, who, role, act, about, reason }) => [
    dated(at),
    who ? `${who} (${role === 'terminal' ? say('account.terminal') : say(`account.${role}`)})` : say('log.nobody'),
    say(`act.${act}`),
    about,
    reason ?? '',
  ])
  const oldest = acts.at(-1)?.position
  return section(
    'log',
    say('log.title'),
    sentence(say('log.why')),
    table(say('log.title'), heads, rows, say('log.none')),
    oldest > 1 ? el('p', {}, el('a', { href: `#log/${oldest}`, 'data-key': 'older' }, say('manager.older'))) : null,
    downloads('acts'),
  )
}
