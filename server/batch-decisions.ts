import type { ErrorCode } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { ChainPlaces } from './chain-places.ts'
import type { ServerStore } from './open-store.ts'

/** A decision in force on batches of a chain; `first` and `last` are their ordinals, `last` undefined where it is not here. */
export interface InForce {
  /** Its place in the feed. */
  change: number
  decision: 'release' | 'refuse'
  first: number
  through: string | null
  last: number | null
}

/** Whether persons have released a batch from what it would be held for. Costs nothing where nobody decided on its chain. */
export function isReleased(store: ServerStore, digest: string, code: ErrorCode): boolean {
  const batch = placeOf(store, digest)
  if (!batch) return false
  const releases = inForce(store, batch).filter(({ decision }) => decision === 'release')
  return releases.length > 0 && lifts(new ChainPlaces(store), releases, batch.ordinal, code)
}

/**
 * Whether delivery may be signed for a batch at or behind the fork of its chain, given that it is opened: a person has released it, or
 * one that follows it.
 */
export function isBranchReleased(store: ServerStore, digest: string): boolean {
  const batch = placeOf(store, digest)
  if (!batch) return false
  const places = new ChainPlaces(store)
  const releases = inForce(store, batch).filter(({ decision }) => decision === 'release')
  return (
    lifts(places, releases, batch.ordinal, 'BATCH_CONFLICT') ||
    releases.some(({ first }) => places.leadsTo(batch.ordinal, first))
  )
}

/** Whether some decision names a batch, as its first or its last. */
export function isNamed({ $client }: ServerStore, digest: string): boolean {
  const named = prepared($client, 'SELECT 1 FROM batch_decisions WHERE batch = ? OR through = ? LIMIT 1')
  return named.get(digest, digest) !== undefined
}

/**
 * The batch that a release names is released whatever it was held for; so are those from there through the last one that it names. Where it
 * names none, what follows is no more held for the fork, as far as the branch does not fork again; a revocation still holds it.
 */
export function lifts(places: ChainPlaces, releases: InForce[], batch: number, code: ErrorCode): boolean {
  return releases.some(({ first, through, last }) => {
    if (first === batch) return true
    if (!places.leadsTo(first, batch)) return false
    if (through === null) return code === 'BATCH_CONFLICT' && places.isOneRun(first, batch)
    return last !== null && places.leadsTo(batch, last)
  })
}

/** Whether a person refused a batch, or one that it follows; what is refused and then released all the same refuses nothing any more. */
export function isRefused(places: ChainPlaces, decisions: InForce[], batch: number): boolean {
  const releases = decisions.filter(({ decision }) => decision === 'release')
  return decisions.some(
    ({ decision, first }) =>
      decision === 'refuse' && places.leadsTo(first, batch) && !lifts(places, releases, first, 'REVOKED'),
  )
}

/** Where a batch is that is here. */
export function placeOf({ $client }: ServerStore, digest: string) {
  return prepared<[string], { ordinal: number; producer: string; chain: string }>(
    $client,
    'SELECT ordinal, producer, chain FROM batches WHERE manifest_digest = ?',
  ).get(digest)
}

/** The decisions on batches of a chain that are here. They are few: they are looked through, and not the chain. */
export function inForce({ $client }: ServerStore, { producer, chain }: { producer: string; chain: string }): InForce[] {
  return prepared<[string, string], InForce>(
    $client,
    `SELECT d.change, d.decision, f.ordinal first, d.through, t.ordinal last FROM batch_decisions d
     CROSS JOIN batches f ON f.manifest_digest = d.batch LEFT JOIN batches t ON t.manifest_digest = d.through
     WHERE f.producer = ? AND f.chain = ?`,
  ).all(producer, chain)
}

/** How many decisions on batches are applied. */
export function decidedOnBatches({ $client }: ServerStore): number {
  return prepared<[], { count: number }>($client, 'SELECT count(*) count FROM batch_decisions').get()?.count ?? 0
}
