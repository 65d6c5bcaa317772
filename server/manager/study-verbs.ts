import type { Account } from '../accounts.ts'
import type { Actor } from '../actor.ts'
import { appendAct, listActs } from '../acts.ts'
import type { ServerContext } from '../app.ts'
import { createCode, type NewDevice } from '../enrol-code.ts'
import { revokeDevice } from '../revoke-device.ts'
import type { StudyVerbs } from '../routes/study-routes.ts'
import { publishPeople, studyPeople } from '../study-people.ts'

const actsAtOnce = 100

/** Who does it, in the log. */
export function actorOf({ name, role }: Account): Actor {
  return { who: name, role }
}

/** Devices, people and the log. */
export function studyVerbs(context: ServerContext): StudyVerbs {
  const { store, shelf } = context
  return {
    devices: () => devicesOf(context),
    addDevice: (account, device) => addDevice(context, account, device),
    revoke: async (account, device, reason) => {
      await revokeDevice(context, actorOf(account), device, reason)
      context.changes.tell()
    },
    people: () => studyPeople({ shelf }),
    setPeople: (account, next) => publishPeople(context, actorOf(account), next),
    acts: (before = Number.MAX_SAFE_INTEGER) => listActs(store, before, actsAtOnce),
  }
}

function devicesOf({ shelf }: ServerContext): ReturnType<StudyVerbs['devices']> {
  const { devices, revocations, sites } = shelf.document
  const reasons = new Map(revocations.map(({ device, reason }) => [device, reason]))
  const all = Object.entries(devices).map(([device, { name, role, site }]) => ({
    ...{ device, name, role, site, isRevoked: reasons.has(device), reason: reasons.get(device) ?? null },
  }))
  return { devices: all.toSorted((a, b) => a.name.localeCompare(b.name)), sites }
}

/** The code is told once, here, and nowhere kept: not in the log either. */
function addDevice(context: ServerContext, account: Account, device: NewDevice): ReturnType<StudyVerbs['addDevice']> {
  const { store, shelf, clock, addresses } = context
  const code = store.$client
    .transaction(() => {
      appendAct(store, actorOf(account), { act: 'addDevice', about: `device ${device.name}`, new: device }, clock.now())
      return createCode(store, shelf.document, device, addresses, clock)
    })
    .immediate()
  return { code, ...device }
}
