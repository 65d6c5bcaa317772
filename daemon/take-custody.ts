import type { Trust, Verified } from '../shared/crypto/trust.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { DaemonStore } from './open-store.ts'

/** What became of custody receipts that were given. */
export interface TakenCustody {
  /** How many were for batches of ours; they are on disk. */
  taken: number
  /** What was wrong with the others. */
  problems: WaybillError[]
}

/**
 * Stores custody receipts for our own batches. A receipt says where a batch is; it never permits deletion (invariant 1). A bad one
 * spoils no other (invariant 8).
 * @param giver the device that gives them
 * @throws CREDENTIAL_REFUSED when a signer is not known yet (a meeting tells who it is), DISK_FULL, STORAGE_FAILED: then they are
 * to be given again; what could be taken is kept
 */
export async function takeCustody(
  store: DaemonStore,
  trust: Trust,
  device: string,
  giver: string,
  receipts: string[],
): Promise<TakenCustody> {
  const verified: Verified<'custody'>[] = []
  const problems: WaybillError[] = []
  for (const jws of receipts) {
    try {
      verified.push(checkHolder(await trust.verify(jws, 'custody'), device))
    } catch (error) {
      problems.push(asWaybillError(error))
    }
  }
  const taken = keepCustody(store, device, giver, verified)
  const stranger = problems.find(({ code }) => code === 'CREDENTIAL_REFUSED')
  if (stranger) throw stranger
  return { taken, problems }
}

/**
 * Stores receipts that were verified already. One that its own holder gives is in force again, if a restored server's was not.
 * @throws SIGNATURE_INVALID when one speaks for another device, PROVENANCE_BROKEN when it does not begin at this laptop
 */
export function keepCustody(
  store: DaemonStore,
  device: string,
  giver: string,
  receipts: Verified<'custody'>[],
): number {
  const client = store.$client
  const known = prepared(client, 'SELECT 1 FROM batches WHERE manifest_digest = ?')
  const insert = prepared(
    client,
    'INSERT OR IGNORE INTO custody_receipts (digest, manifest_digest, by, role, at, jws) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const revive = prepared(client, 'UPDATE custody_receipts SET void = 0 WHERE digest = ? AND by = ?')
  const carry = prepared(
    client,
    `UPDATE batches SET carried = 1 WHERE manifest_digest = ? AND EXISTS
     (SELECT 1 FROM custody_receipts held WHERE held.manifest_digest = batches.manifest_digest AND held.void = 0)`,
  )
  return client
    .transaction(() => {
      let kept = 0
      for (const receipt of receipts) {
        const { document, digest, jws, signer } = checkHolder(receipt, device)
        if (!known.get(document.manifest)) continue
        insert.run(digest, document.manifest, document.by, signer.role, document.at, jws)
        revive.run(digest, giver)
        carry.run(document.manifest)
        kept += 1
      }
      return kept
    })
    .immediate()
}

function checkHolder(receipt: Verified<'custody'>, device: string): Verified<'custody'> {
  const { by, hop, prev, from, manifest } = receipt.document
  if (by !== receipt.signer.device)
    throw new WaybillError('SIGNATURE_INVALID', 'a custody receipt signed by another than its holder')
  if (hop === 1 && (prev !== manifest || from !== device))
    throw new WaybillError('PROVENANCE_BROKEN', 'a first custody receipt that does not begin at this laptop')
  return receipt
}
