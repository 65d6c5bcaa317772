import type { Verified } from '../shared/crypto/trust.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { maxPayloadBytes } from '../shared/protocol/payload.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { Hold, RelayStore } from './open-store.ts'
import type { manifests } from './schema.ts'

/**
 * Verifies a manifest that a laptop showed: signature, and that the laptop itself made and signed it.
 * @throws what Trust.verify throws, CREDENTIAL_REFUSED, TOO_LARGE
 */
export async function checkManifest(hold: Hold, jws: string, giver: string): Promise<Verified<'manifest'>> {
  const shown = await hold.trust.verify(jws, 'manifest')
  const { producer, payload } = shown.document
  if (shown.signer.device !== producer)
    throw new WaybillError('CREDENTIAL_REFUSED', 'a manifest that its producer did not sign')
  if (producer !== giver) throw new WaybillError('CREDENTIAL_REFUSED', 'a manifest of another laptop')
  if (payload.size > maxPayloadBytes)
    throw new WaybillError('TOO_LARGE', `a payload of ${payload.size} bytes is larger than allowed`)
  return shown
}

/**
 * Whether the batch fits its known neighbours in the chain. Two batches of one number are both carried, as evidence, when each
 * fits: the server decides. @returns why not, or undefined
 */
export function chainFault(store: RelayStore, digest: string, manifest: Manifest): string | undefined {
  const { producer, chain, seq, previous } = manifest
  if ((seq === 1) !== (previous === null)) return `batch ${seq} names ${previous === null ? 'no' : 'a'} batch before it`
  if (seq > 1 && manifest.continues) return `batch ${seq} claims to begin a chain`
  // Every manifest asks: building a typed query would cost more than it does to run it.
  const near = prepared<
    [string, string, number, number],
    Pick<typeof manifests.$inferSelect, 'digest' | 'seq' | 'previous'>
  >(
    store.$client,
    `SELECT digest, seq, previous FROM manifests
       WHERE producer = ? AND chain = ? AND seq BETWEEN ? AND ? AND state != 'quarantined'`,
  ).all(producer, chain, seq - 1, seq + 1)
  const before = near.filter((row) => row.seq === seq - 1)
  if (before.length > 0 && !before.some((row) => row.digest === previous))
    return `batch ${seq} does not follow batch ${seq - 1}`
  const beside = near.some((row) => row.seq === seq && row.digest !== digest)
  const after = near.filter((row) => row.seq === seq + 1)
  if (after.length > 0 && !beside && !after.some((row) => row.previous === digest))
    return `batch ${seq + 1} does not follow batch ${seq}`
  return undefined
}
