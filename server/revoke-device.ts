import type { Revocation } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { issuerOf } from '../study/found.ts'
import { publishNext } from '../study/publish.ts'
import type { Actor } from './actor.ts'
import { appendAct } from './acts.ts'
import type { AddContext } from './add-device.ts'
import type { ServerStore } from './open-store.ts'

type RevokeContext = Pick<AddContext, 'data' | 'identity' | 'store' | 'shelf' | 'clock'>

const longestReason = 200

/**
 * Publishes that a device is no longer trusted. Of a laptop, what unsuspected receipts witnessed up to now still counts; what lies
 * above waits for a person. No time is asked: a thief's clock says anything.
 * @param named the device's name or id
 * @throws NOT_FOUND, BAD_ARGUMENT for a name of several or a reason too long, ROLE_REFUSED for this server itself
 */
export async function revokeDevice(
  context: RevokeContext,
  by: Actor,
  named: string,
  reason: string,
): Promise<Revocation> {
  const { data, identity, store, shelf, clock } = context
  if (reason.trim() === '' || reason.length > longestReason)
    throw new WaybillError('BAD_ARGUMENT', `a reason has 1 to ${longestReason} characters`)
  await shelf.refresh()
  const { devices, revocations, servers } = shelf.document
  const revoked = new Set(revocations.map(({ device }) => device))
  const inForce = Object.keys(devices).filter((id) => !revoked.has(id) && (id === named || devices[id]?.name === named))
  const [device] = inForce
  if (device === undefined) throw new WaybillError('NOT_FOUND', `no device ${named} is in force in this study`)
  if (inForce.length > 1) throw new WaybillError('BAD_ARGUMENT', `${named} names several: ${inForce.join(', ')}`)
  if (servers.includes(device))
    throw new WaybillError('ROLE_REFUSED', 'a server whose delivery counts is not revoked so')
  const revocation = { device, chains: witnessedChains(store, device), reason }
  await publishNext(data, shelf, issuerOf(identity), clock.now(), (document) => {
    appendAct(store, by, { act: 'revoke', about: `device ${device}`, new: revocation.chains, reason }, clock.now())
    return { revocations: [...document.revocations, revocation] }
  })
  return revocation
}

/**
 * The highest number of each chain that this server signed for. What the device said of itself, even to an honest courier who
 * signed that it said so, is not asked: who stole it says anything.
 */
function witnessedChains(store: ServerStore, device: string): Revocation['chains'] {
  return store.$client
    .prepare<[string], Revocation['chains'][number]>(
      `SELECT chain, max(seq) throughSeq, manifest_digest digest FROM batches
       WHERE producer = ? AND state NOT IN ('held', 'refused') GROUP BY chain`,
    )
    .all(device)
}
