// @ts-check
/** The page of the lab assistant and the data manager: what has arrived, what is missing, what waits for a person. */

import { el } from '/elements.js'
import { show } from '/frame.js'
import { figure, figures, lastProblem, named, problem, section, sentence, support, table, top } from '/parts.js'
import { ago, listed, number, say } from '/words.js'

const mostSpans = 8
const mostOpen = 12

show((status, now) => {
  const { counts, records, handovers, lastError, lastBackup } = status
  const matters = mattersOf(status)
  const isNew = lastError && Date.parse(now) - Date.parse(lastError.at) < 10 * 60_000
  const trouble = lastProblem(lastError, aboutOf(status), now, isNew)
  return [
    top(status, headline(status, matters)),
    figures(say('server.journey'), [
      figure(counts.ingested.changes, say('server.arrived'), 'work', [
        say(counts.ingested.changes > 0 ? 'server.arrived.some' : 'server.arrived.none'),
      ]),
      figure(counts.opened.changes, say('server.opened'), 'good', opened(counts)),
      figure(records.applied, say('server.applied'), 'good', applied(records)),
      ...(records.waiting > 0
        ? [figure(records.waiting, say('server.waiting'), 'wait', [say('server.waiting.some')])]
        : []),
      ...(records.held > 0
        ? [figure(records.held, say('server.unpublished'), 'wait', [say('server.unpublished.some')])]
        : []),
      ...(records.quarantined > 0
        ? [figure(records.quarantined, say('server.unfit'), 'bad', [say('server.unfit.some')])]
        : []),
      ...(counts.held.changes > 0
        ? [figure(counts.held.changes, say('server.held'), 'wait', [say('server.held.some')])]
        : []),
      ...(counts.quarantined.changes > 0
        ? [figure(counts.quarantined.changes, say('server.aside'), 'bad', [say('server.aside.some')])]
        : []),
      ...(counts.refused.changes > 0
        ? [figure(counts.refused.changes, say('server.refused'), 'idle', [say('server.refused.some')])]
        : []),
    ]),
    sentence(say('server.taken', { count: takenIn(counts) })),
    ...(handovers.atServer > 0 ? [sentence(say('server.handovers', { count: handovers.atServer }))] : []),
    ...(isNew ? [trouble] : []),
    ...(matters.length > 0
      ? [section('matters', say('server.matters'), el('ul', { class: 'peers' }, ...matters))]
      : []),
    section('laptops', say('server.laptops'), ...laptops(status)),
    section('backup', say('server.backup'), sentence(backup(lastBackup, now))),
    ...(status.sink ? [section('app', say('server.app'), ...app(status.sink, now))] : []),
    ...(isNew ? [] : [trouble]),
    devices(status),
    support(status, now),
  ]
})

/** A person's matters come first; "all" is only said of what has arrived, and only where nothing known is missing or waits. */
function headline({ counts, records, chains }, matters) {
  const missing = chains.filter((chain) => chain.missing.length > 0).map(({ name }) => name)
  const outside = chains.reduce((sum, { unsealed }) => sum + unsealed, 0)
  const more = outside > 0 ? [say('server.outside', { count: outside })] : []
  if (matters.length > 0) return told('bad', 'person', { count: matters.length }, [say('server.person.why'), ...more])
  if (counts.ingested.changes > 0) return told('work', 'opening', { count: counts.ingested.changes }, more)
  if (records.toApply > 0) return told('work', 'applying', { count: records.toApply }, more)
  if (missing.length > 0)
    return told('wait', 'missing', { names: listed([...new Set(missing)]) }, [say('server.missing.why'), ...more])
  if (counts.opened.changes === 0) return told('idle', 'none', {}, more)
  const waiting = records.waiting + records.held
  if (waiting > 0) return told('wait', 'waiting', { count: waiting }, more)
  return told('good', 'applied', { count: counts.opened.changes }, more)
}

function told(kind, key, values, more) {
  return { kind, text: say(`server.headline.${key}`, values), more }
}

function takenIn({ ingested, opened, held, quarantined, refused }) {
  return ingested.changes + opened.changes + held.changes + quarantined.changes + refused.changes
}

function opened({ opened: { changes }, changes: unlike, badLines }) {
  if (changes === 0) return [say('server.arrived.none')]
  return [
    say('server.opened.some'),
    ...(unlike + badLines < changes ? [say('server.opened.unlike', { count: unlike })] : []),
    ...(badLines > 0 ? [say('server.opened.bad', { count: badLines })] : []),
  ]
}

function applied({ applied: count, toApply, discarded }) {
  return [
    say(count > 0 ? 'server.applied.some' : 'server.arrived.none'),
    ...(toApply > 0 ? [say('server.applied.to', { count: toApply })] : []),
    ...(discarded > 0 ? [say('server.applied.discarded', { count: discarded })] : []),
  ]
}

/** Everything that only a person can settle; batches of one laptop with one reason are one matter. */
function mattersOf({ aside, alarms, devices, records }) {
  const groups = new Map()
  for (const found of aside) {
    const batch = { ...found, code: found.code ?? codeOf(found, devices) }
    const key = `${batch.producer} ${batch.state} ${batch.code}`
    groups.set(key, [...(groups.get(key) ?? []), batch])
  }
  return [...[...groups.values()].map((group) => matter(group, devices)), ...ofRecords(records), ...alarms.map(alarmed)]
}

/** Why something waits that was given no code. */
function codeOf({ state, producer }, devices) {
  if (state !== 'held') return 'UNEXPECTED'
  return devices.some(({ device, revoked }) => device === producer && revoked) ? 'REVOKED' : 'BATCH_CONFLICT'
}

function matter(group, devices) {
  const [{ producer, state, code, message }] = group
  const isHeld = state === 'held'
  return el(
    'li',
    { class: isHeld ? 'wait' : 'bad', 'data-key': `${producer} ${state} ${code}` },
    el('h3', {}, named(nameOf(devices, producer)), ` · ${numbersOf(group.map(({ seq }) => seq))}`),
    el('p', { class: 'state' }, say(isHeld ? 'server.held.some' : 'server.aside.some')),
    ...(isHeld && code === 'REVOKED' ? [sentence(say('server.matter.revoked'))] : problem({ code, message })),
  )
}

function ofRecords({ quarantined, conflicts, duplicates }) {
  return [
    [quarantined, 'server.matter.unfit', 'server.unfit.some'],
    [conflicts, 'server.matter.conflicts', 'server.matter.conflicts.why'],
    [duplicates, 'server.matter.duplicates', 'server.matter.duplicates.why'],
  ]
    .filter(([count]) => count > 0)
    .map(([count, what, why]) =>
      el(
        'li',
        { class: 'wait', 'data-key': what },
        el('h3', {}, say(what, { count })),
        el('p', { class: 'state' }, say(why)),
      ),
    )
}

/** An alarm is told as `what:where: sentence`; the sentence is for a person, the rest for who helps. */
function alarmed(alarm) {
  const [where = '', ...sentences] = alarm.split(': ')
  return el(
    'li',
    { class: 'bad', 'data-key': where },
    el('h3', {}, say('server.matter.alarm', { alarm: sentences.join(': ') })),
    el('p', { class: 'detail' }, where),
  )
}

function laptops({ chains }) {
  const rows = chains
    .map((chain, index) => ({
      ...chain,
      isAgain: chains.slice(0, index).some((one) => one.producer === chain.producer),
    }))
    .toSorted((a, b) => b.missing.length - a.missing.length || a.name.localeCompare(b.name))
  const heads = ['laptop', 'missing', 'opened', 'safe', 'unpacked'].map((head) => say(`head.${head}`))
  return [
    table(say('server.laptops'), heads, rows.map(row), say('server.laptops.none')),
    ...(rows.length > 0 ? [el('p', { class: 'detail' }, say('server.laptops.why'))] : []),
  ]
}

function row({ name, chain, isAgain, through, safeThrough, witnessed, unsealed, missing, forkAt }) {
  const again = isAgain ? ` ${say('server.chain.again', { chain: chain.slice(0, 6) })}` : ''
  return [
    el('span', {}, named(name), again),
    el('span', {}, missing.length > 0 ? el('b', {}, ranges(missing)) : say('server.chain.complete'), ...fork(forkAt)),
    say(through > 0 ? 'server.chain.known' : 'server.chain.nothing', { through, witnessed }),
    safeThrough > 0 ? say('server.chain.safe', { safe: safeThrough }) : say('server.chain.unsafe'),
    unsealed > 0 ? number(unsealed) : say('server.chain.packed'),
  ]
}

function fork(from) {
  return from === null ? [] : [el('p', { class: 'state bad' }, say('server.chain.fork', { from }))]
}

function numbersOf(seqs) {
  const spans = []
  for (const seq of seqs.toSorted((a, b) => a - b)) {
    const last = spans.at(-1)
    if (last && seq <= last[1] + 1) last[1] = seq
    else spans.push([seq, seq])
  }
  return say('server.numbers', { count: new Set(seqs).size, numbers: ranges(spans) })
}

/** "3 to 5, 9"; of many, the first ones. */
function ranges(spans) {
  const shown = spans.slice(0, mostSpans).map(([first, last]) => {
    return first === last ? number(first) : say('server.range', { first, last })
  })
  if (spans.length > mostSpans) shown.push(say('page.more', { count: spans.length - mostSpans }))
  return shown.join(', ')
}

function backup(last, now) {
  return last ? say('server.backup.at', { when: ago(last.at, now) }) : say('server.backup.none')
}

/** How far the app's own database is behind; the app's people know it by its place. */
function app({ place, cursor, behind, writtenAt, awaySince, problem: trouble }, now) {
  const last = writtenAt === null ? [] : [say('server.app.written', { when: ago(writtenAt, now) })]
  const away = trouble === null ? [] : [say('server.app.away', { when: ago(awaySince, now) })]
  const known = behind > 0 ? say('server.app.behind', { count: behind }) : say('server.app.upToDate')
  return [
    ...[...away, cursor === null ? say('server.app.unknown') : known, ...last].map(sentence),
    ...(trouble === null ? [] : problem(trouble)),
    el('p', { class: 'detail' }, place),
  ]
}

function devices({ devices: all }) {
  const heads = ['device', 'role', 'site', 'standing'].map((head) => say(`head.${head}`))
  const sorted = all.toSorted((a, b) => a.name.localeCompare(b.name))
  const rows = sorted.map(({ name, role, site, revoked }) => [
    named(name),
    say(`role.${role}`),
    site ?? say('server.device.noSite'),
    say(revoked ? 'server.device.revoked' : 'server.device.valid'),
  ])
  const title = say('server.devices', { count: all.length })
  return el(
    'section',
    { 'data-key': 'devices' },
    el(
      'details',
      all.length > mostOpen ? {} : { open: '' },
      el('summary', {}, title),
      table(title, heads, rows, say('server.devices.none')),
    ),
  )
}

/** The problem names a device; a person knows it by its name. */
function aboutOf({ lastError, devices }) {
  return nameOf(devices, lastError?.about ?? '')
}

function nameOf(devices, device) {
  return devices.find((one) => one.device === device)?.name ?? device.slice(0, 8)
}
