import type { Verified } from '../shared/crypto/trust.ts'
import type { DeliveryReceipt } from '../shared/protocol/delivery-receipt.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { continueBeyond, leaveBehind, type Place } from './chain.ts'
import type { DaemonStore } from './open-store.ts'

/** What was shown and speaks of this device's batches; all verified. */
interface Shown {
  manifests: Verified<'manifest'>[]
  deliveries: Verified<'delivery'>[]
  gaps: Verified<'gaps'>[]
}

/** The manifests that this device signed for itself. */
export function ownManifests(device: string, manifests: Verified<'manifest'>[]): Verified<'manifest'>[] {
  return manifests.filter(({ document, signer }) => document.producer === device && signer.device === device)
}

/**
 * Looks for proof that this disk was restored: our own signature, or a server's word for it, on a batch that it does not know. Then
 * what comes next goes into a new chain.
 * Do this before anything else with what was shown: whatever follows may be ended by a power cut.
 */
export function recogniseOwn(store: DaemonStore, device: string, { manifests, deliveries, gaps }: Shown): void {
  const places = ownManifests(device, manifests).map(
    ({ document, digest }): Place => ({ chain: document.chain, seq: document.seq, digest }),
  )
  for (const { document } of deliveries) if (document.producer === device) places.push(...namedBy(document))
  const unknown = places.filter(({ digest }) => !isOnDisk(store, digest))
  for (const place of lastIsBest(store, unknown)) continueBeyond(store, place)
  for (const { chain, seq } of highest(device, deliveries, gaps)) leaveBehind(store, chain, seq)
}

/** Every batch that a receipt names. */
function namedBy({ chain, through, throughDigest, above }: DeliveryReceipt): Place[] {
  const runs = above.map(([, seq, digest]) => ({ chain, seq, digest }))
  return throughDigest === null ? runs : [{ chain, seq: through, digest: throughDigest }, ...runs]
}

function isOnDisk(store: DaemonStore, digest: string): boolean {
  return prepared(store.$client, 'SELECT 1 FROM batches WHERE manifest_digest = ?').get(digest) !== undefined
}

/**
 * The highest place of each chain. A chain that this disk never knew was begun after those that it knows: it comes last, and is what
 * the new chain continues.
 */
function lastIsBest(store: DaemonStore, places: Place[]): Place[] {
  const best = new Map<string, Place>()
  for (const place of places) if (place.seq > (best.get(place.chain)?.seq ?? 0)) best.set(place.chain, place)
  const ordinal = prepared<[string], { ordinal: number }>(store.$client, 'SELECT ordinal FROM chains WHERE chain = ?')
  const age = ({ chain }: Place) => ordinal.get(chain)?.ordinal ?? Number.MAX_SAFE_INTEGER
  return [...best.values()].toSorted((a, b) => age(a) - age(b) || a.seq - b.seq)
}

/** The highest number of our chains that a server speaks of, whether or not it names the batch. */
function highest(
  device: string,
  deliveries: Shown['deliveries'],
  gaps: Shown['gaps'],
): Array<{ chain: string; seq: number }> {
  const spoken: Array<{ chain: string; seq: number }> = []
  for (const { document } of deliveries)
    if (document.producer === device)
      spoken.push({ chain: document.chain, seq: Math.max(document.through, ...document.above.map(([, last]) => last)) })
  for (const { document } of gaps)
    if (document.producer === device) spoken.push({ chain: document.chain, seq: document.witnessed })
  return spoken
}
