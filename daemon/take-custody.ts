import type { Trust, Verified } from '../shared/crypto/trust.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { DaemonStore } from './open-store.ts'

/**
 * Stores custody receipts for our own batches. A receipt says where a batch is; it never permits deletion (invariant 1).
 * @returns how many were for batches of ours
 */
export async function takeCustody(store: DaemonStore, trust: Trust, receipts: string[]): Promise<number> {
  const verified: Verified<'custody'>[] = []
  for (const jws of receipts) verified.push(await trust.verify(jws, 'custody'))
  return keepCustody(store, verified)
}

/** Stores receipts that were verified already. @throws SIGNATURE_INVALID when one speaks for another device */
export function keepCustody(store: DaemonStore, receipts: Verified<'custody'>[]): number {
  const client = store.$client
  const known = client.prepare('SELECT 1 FROM batches WHERE manifest_digest = ?')
  const insert = client.prepare(
    'INSERT OR IGNORE INTO custody_receipts (digest, manifest_digest, by, role, at, jws) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const carry = client.prepare('UPDATE batches SET carried = 1 WHERE manifest_digest = ?')
  return client
    .transaction(() => {
      let kept = 0
      for (const { document, digest, jws, signer } of receipts) {
        if (document.by !== signer.device)
          throw new WaybillError('SIGNATURE_INVALID', 'a custody receipt signed by another than its holder')
        if (!known.get(document.manifest)) continue
        insert.run(digest, document.manifest, document.by, signer.role, document.at, jws)
        carry.run(document.manifest)
        kept += 1
      }
      return kept
    })
    .immediate()
}
