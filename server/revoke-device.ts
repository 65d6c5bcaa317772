import { readDocument } from '../shared/crypto/read-document.ts'
import type { Revocation } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { issuerOf } from '../study/found.ts'
import { publishNext } from '../study/publish.ts'
import type { AddContext } from './add-device.ts'
import type { ServerStore } from './open-store.ts'

type RevokeContext = Pick<AddContext, 'data' | 'identity' | 'store' | 'shelf' | 'clock'>

/**
 * Publishes that a device is no longer trusted. Of a laptop, what unsuspected receipts witnessed up to now still counts; what lies
 * above waits for a person. No time is asked: a thief's clock says anything.
 * @param named the device's name or id
 * @throws NOT_FOUND, ROLE_REFUSED for this server itself
 */
export async function revokeDevice(context: RevokeContext, named: string, reason: string): Promise<Revocation> {
  const { data, identity, store, shelf, clock } = context
  await shelf.refresh()
  const { devices, revocations, servers } = shelf.document
  const revoked = new Set(revocations.map(({ device }) => device))
  const [device] = Object.keys(devices).filter(
    (id) => !revoked.has(id) && (id === named || devices[id]?.name === named),
  )
  if (device === undefined) throw new WaybillError('NOT_FOUND', `no device ${named} is in force in this study`)
  if (servers.includes(device))
    throw new WaybillError('ROLE_REFUSED', 'a server whose delivery counts is not revoked so')
  const revocation = { device, chains: witnessedChains(store, device), reason }
  await publishNext(data, shelf, issuerOf(identity), clock.now(), (document) => ({
    revocations: [...document.revocations, revocation],
  }))
  return revocation
}

/** The highest number of each chain that this server holds, or that another's signed receipt tells of. */
function witnessedChains(store: ServerStore, device: string): Revocation['chains'] {
  const highest = new Map<string, { throughSeq: number; digest: string | null }>()
  const witness = (chain: string, throughSeq: number, digest: string | null) => {
    if (throughSeq > (highest.get(chain)?.throughSeq ?? 0)) highest.set(chain, { throughSeq, digest })
  }
  const held = store.$client
    .prepare<[string], { chain: string; seq: number; digest: string }>(
      `SELECT chain, seq, manifest_digest digest FROM batches WHERE producer = ? AND state IN ('ingested', 'opened') ORDER BY seq`,
    )
    .all(device)
  for (const { chain, seq, digest } of held) witness(chain, seq, digest)
  const receipts = store.$client
    .prepare<[string, string], { jws: string }>(
      `SELECT h.jws FROM hops h JOIN batches b USING (manifest_digest) WHERE b.producer = ? AND h.by != ? AND h.hop = 1`,
    )
    .all(device, device)
  for (const { jws } of receipts) {
    const { head } = readDocument(jws, 'custody').document
    if (head) witness(head.chain, head.seq, null)
  }
  return [...highest].map(([chain, place]) => ({ chain, ...place }))
}
