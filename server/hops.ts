import { deviceOf, type Identity } from '../shared/crypto/identity.ts'
import type { Trust, Verified } from '../shared/crypto/trust.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { witness } from './chain.ts'
import { noteMeeting } from './meetings.ts'
import type { ServerStore } from './open-store.ts'

/** Adds verified custody receipts to their batches' trees; one that is there already changes nothing. */
export function appendHops(store: ServerStore, path: Verified<'custody'>[], now: Date): void {
  const insert = prepared(
    store.$client,
    'INSERT OR IGNORE INTO hops (digest, manifest_digest, hop, prev, by, jws) VALUES (?, ?, ?, ?, ?, ?)',
  )
  for (const { document, digest, jws } of path) {
    insert.run(digest, document.manifest, document.hop, document.prev, document.by, jws)
    if (document.hop !== 1 || !document.head) continue
    const { from: device, by, at, head } = document
    witness(store, device, head)
    noteMeeting(store, { device, by, at, head }, now)
  }
}

/** This server's own receipt. @throws PROVENANCE_BROKEN for another's, and what Trust.verify throws */
export async function verifyOwn(trust: Trust, identity: Identity, jws: string): Promise<Verified<'custody'>> {
  const custody = await trust.verify(jws, 'custody')
  if (custody.signer.device !== deviceOf(identity))
    throw new WaybillError('PROVENANCE_BROKEN', 'the custody receipt of this server is signed by another')
  return custody
}

/**
 * The whole tree of a batch's custody, each receipt verified and linked to the manifest through the receipts before it. This
 * server's own, which is `custody`, comes last.
 * @throws PROVENANCE_BROKEN, SIGNATURE_INVALID, CREDENTIAL_REFUSED
 */
export async function verifyHops(
  store: ServerStore,
  trust: Trust,
  manifest: Verified<'manifest'>,
  custody: Verified<'custody'>,
): Promise<Verified<'custody'>[]> {
  const rows = prepared<[string], { jws: string; digest: string; hop: number; prev: string; by: string }>(
    store.$client,
    'SELECT jws, digest, hop, prev, by FROM hops WHERE manifest_digest = ? ORDER BY hop, digest',
  ).all(manifest.digest)
  const tree: Verified<'custody'>[] = []
  for (const row of rows) {
    const receipt = await trust.verify(row.jws, 'custody')
    const { hop, prev, by } = receipt.document
    if (receipt.digest !== row.digest || hop !== row.hop || prev !== row.prev || by !== row.by)
      throw new WaybillError(
        'PROVENANCE_BROKEN',
        `the custody receipt of ${by.slice(0, 8)} is not what it is stored as`,
      )
    tree.push(receipt)
  }
  tree.push(custody)
  for (const receipt of tree) checkLink(receipt, manifest, tree)
  return tree
}

function checkLink(
  { document, signer }: Verified<'custody'>,
  manifest: Verified<'manifest'>,
  tree: Verified<'custody'>[],
): void {
  const { hop, prev, from, by } = document
  const giver = tree.find(({ digest }) => digest === prev)?.document
  const isLinked =
    hop === 1
      ? prev === manifest.digest && from === manifest.document.producer
      : giver?.hop === hop - 1 && giver.by === from
  if (!isLinked || document.manifest !== manifest.digest || by !== signer.device)
    throw new WaybillError(
      'PROVENANCE_BROKEN',
      `the custody receipt of ${by.slice(0, 8)} at hop ${hop} does not follow`,
    )
}
