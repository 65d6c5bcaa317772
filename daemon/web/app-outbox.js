// @ts-check
/** What the app has saved in its own database, and what of it is not taken over yet. */

import { el } from '/elements.js'
import { section, sentence } from '/parts.js'
import { moment, say } from '/words.js'

/** How it stands with the app's table; nothing where none is read. */
export function appPart({ appOutbox }, now) {
  if (!appOutbox) return []
  const { state, since, refused, setAside, openTransactions } = appOutbox
  const open = openTransactions.map(({ which, since }) => sentence(say('app.open', { which, at: moment(since, now) })))
  return [
    section(
      'app-outbox',
      say('app.title'),
      ...(state === 'reading' ? [] : [sentence(say(`app.${state}`, { at: moment(since, now) }))]),
      sentence(howMany(appOutbox)),
      ...open,
      ...(setAside > 0 ? [sentence(say('app.setAside', { count: setAside })), rowsOf(refused)] : []),
    ),
  ]
}

/** A count that was taken before the database went away says nothing of now. */
function howMany({ state, waiting, setAside }) {
  if (waiting === null || (state !== 'reading' && state !== 'paused')) return say('app.unknown')
  return waiting > 0 || setAside > 0 ? say('app.waiting', { count: waiting }) : say('app.all')
}

function rowsOf(refused) {
  const rows = refused.map(({ position, code, message }) =>
    el('li', { class: 'detail' }, say('app.row', { row: position, code, message })),
  )
  return el('ul', {}, ...rows)
}

/** The sentence of the page, where changes are further from the clinic than any that this laptop holds. */
export function appHeadline({ appOutbox }) {
  const { waiting = 0, setAside = 0 } = appOutbox ?? {}
  const told = (kind, key, count) => ({
    kind,
    text: say(`field.headline.${key}`, { count }),
    more: [say('field.app.why')],
  })
  if (waiting > 0) return told('work', 'app', waiting)
  return setAside > 0 ? told('wait', 'setAside', setAside) : undefined
}

/** The sentence where nothing else waits: that this laptop is not told what the app saves is never "all is at the clinic". */
export function unreadHeadline({ appOutbox }) {
  if (!appOutbox || appOutbox.state === 'reading') return undefined
  const key = appOutbox.state === 'paused' ? 'paused' : 'unread'
  return { kind: 'wait', text: say(`field.headline.${key}`), more: [say('field.app.why')] }
}
