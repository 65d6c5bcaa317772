import type { Trust, Verified } from '../shared/crypto/trust.ts'
import type { BatchHead } from '../shared/protocol/batch-frame.ts'
import { WaybillError } from '../shared/service/errors.ts'

/** What has been verified of a batch that someone brings. */
export interface Brought {
  /** The device that brings it. */
  giver: string
  batch: BatchHead
  manifest: Verified<'manifest'>
  path: Verified<'custody'>[]
}

/**
 * Verifies who made a batch, and that its custody leads to whoever brings it.
 * @throws SIGNATURE_INVALID, PROVENANCE_BROKEN, DIGEST_MISMATCH for a size that the manifest does not say, and what Trust throws
 */
export async function verifyBrought(trust: Trust, giver: string, batch: BatchHead): Promise<Brought> {
  await trust.admitAll(batch.credentials)
  const manifest = await trust.verify(batch.manifest, 'manifest')
  const { document, signer } = manifest
  if (document.producer !== signer.device)
    throw new WaybillError('SIGNATURE_INVALID', 'a manifest signed by another than its producer')
  const path = await verifyPath(trust, manifest, batch.path, giver)
  if (batch.size !== document.payload.size)
    throw new WaybillError(
      'DIGEST_MISMATCH',
      `the payload has ${batch.size} bytes, its manifest says ${document.payload.size}`,
    )
  return { giver, batch, manifest, path }
}

/** The giver's receipts, each signed by its holder, linked from the manifest to the giver without a break. */
export async function verifyPath(
  trust: Trust,
  manifest: { digest: string; document: { producer: string } },
  path: string[],
  giver: string,
): Promise<Verified<'custody'>[]> {
  const verified: Verified<'custody'>[] = []
  let [from, prev] = [manifest.document.producer, manifest.digest]
  for (const jws of path) {
    const receipt = await trust.verify(jws, 'custody')
    const { document, signer } = receipt
    const linked = document.hop === verified.length + 1 && document.prev === prev && document.from === from
    if (!linked || document.manifest !== manifest.digest || document.by !== signer.device)
      throw new WaybillError('PROVENANCE_BROKEN', `the custody receipt at hop ${verified.length + 1} does not follow`)
    verified.push(receipt)
    from = document.by
    prev = receipt.digest
  }
  if (from !== giver) throw new WaybillError('PROVENANCE_BROKEN', 'the giver is not the last holder')
  return verified
}
