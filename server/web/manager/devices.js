// @ts-check
/** Devices of the study: added with a one-time code, revoked with a reason. */

import { ask } from '/ask.js'
import { el } from '/elements.js'
import { named, section, sentence } from '/parts.js'
import { say } from '/words.js'
import { button, choice, field, reasonForm } from './forms.js'

/** The device whose revocation is asked about. */
let asked = ''
/** @type {any} The code that was made last, until the page goes elsewhere. */
let made

/** @type {import('./parts-of-page.js').Part} */
export const devicesPart = {
  name: 'devices',
  right: 'decide',
  load: async () => {
    const told = await ask('GET', '/v1/manager/devices')
    return told
  },
  draw: ({ data }) => ({
    headline: { kind: 'work', text: say('devices.headline', { count: data?.devices.length ?? 0 }) },
    nodes: data ? [...codePart(), addPart(data.sites), listPart(data.devices)] : [],
  }),
  leave: () => {
    made = undefined
    asked = ''
  },
  acts: {
    addDevice: async ({ form, data }) => {
      const site = form.get('site') || null
      made = await ask('POST', '/v1/manager/devices', { role: form.get('role'), name: form.get('name').trim(), site })
      return { told: say('devices.made', { name: made.name }), data }
    },
    hideCode: async () => {
      made = undefined
      return { stay: true }
    },
    printCode: async () => {
      print()
      return { stay: true }
    },
    askRevoke: async ({ target }) => {
      asked = target.dataset.device
      return { stay: true }
    },
    leaveRevoke: async () => {
      asked = ''
      return { stay: true }
    },
    revoke: async ({ target, form }) => {
      const path = `/v1/manager/devices/${target.dataset.device}/revocation`
      const data = await ask('POST', path, { reason: form.get('reason').trim() })
      asked = ''
      return { told: say('devices.revoked'), data }
    },
  },
}

/** Shown once, large enough to be typed from across a table; printed with what to do with it. */
function codePart() {
  if (!made) return []
  const part = section(
    'code',
    say('devices.code', { name: made.name }),
    el('p', { class: 'code', translate: 'no' }, el('code', {}, made.code)),
    sentence(say('devices.code.how')),
    el('p', {}, el('code', {}, `waybill enrol ${say('devices.code.here')}`)),
    sentence(say('devices.code.once')),
    el(
      'p',
      { class: 'tools' },
      button('printCode', say('manager.print')),
      button('hideCode', say('devices.code.hide')),
    ),
  )
  part.classList.add('box', 'work')
  return [part]
}

function addPart(sites) {
  const places = [['', say('devices.noSite')], ...sites.map(({ id, name }) => [id, name])]
  return section(
    'add',
    say('devices.add'),
    el(
      'form',
      { class: 'inline', 'data-do': 'addDevice', 'data-key': 'addDevice' },
      choice(
        'role',
        say('devices.role'),
        [
          ['field', say('role.field')],
          ['relay', say('role.relay')],
        ],
        'field',
      ),
      field('name', say('devices.name'), { required: '', maxlength: 200 }),
      choice('site', say('devices.site'), places),
      el('button', {}, say('devices.makeCode')),
    ),
  )
}

function listPart(devices) {
  const rows = devices.map((device) => row(device))
  return section('list', say('devices.list'), el('ul', { class: 'peers' }, ...rows))
}

function row({ device, name, role, site, isRevoked, reason }) {
  const isOpen = asked === device
  const mayGo = !isRevoked && (role === 'field' || role === 'relay')
  return el(
    'li',
    { class: isRevoked ? 'idle' : 'good', 'data-key': device },
    el('h3', {}, named(name), ` · ${say(`role.${role}`)}${site ? ` · ${site}` : ''}`),
    el(
      'p',
      { class: 'state' },
      isRevoked ? say('devices.isRevoked', { reason: reason ?? '' }) : say('devices.isValid'),
    ),
    mayGo && !isOpen
      ? button('askRevoke', say('devices.revoke'), {
          'data-device': device,
          class: 'quiet',
          'aria-label': `${say('devices.revoke')} ${name}`,
        })
      : null,
    mayGo && isOpen ? revokeForm(device, name, role) : null,
  )
}

/** What it means is said before it is done, in the order in which it matters. */
function revokeForm(device, name, role) {
  const warning = ['refused', role === 'field' ? 'kept' : 'driver', 'never'].map((key) =>
    el('li', {}, say(`devices.warning.${key}`, { name })),
  )
  return el(
    'div',
    { 'data-key': 'revocation' },
    reasonForm(
      'revoke',
      say('devices.revoke.do', { name }),
      say('devices.revoke.reason'),
      { 'data-device': device },
      el('ul', { class: 'warning' }, ...warning),
    ),
    button('leaveRevoke', say('manager.leave'), { class: 'quiet' }),
  )
}
