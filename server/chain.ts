import type { Verified } from '../shared/crypto/trust.ts'
import type { Head } from '../shared/protocol/custody-receipt.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { ServerStore } from './open-store.ts'

/** At most this many batches ahead of the first one that is missing. */
const mostAhead = 1024

/**
 * Checks a manifest against its neighbours and the limits of its producer.
 * @throws CHAIN_BROKEN, QUOTA_EXCEEDED
 */
export function checkPlace(
  store: ServerStore,
  { document, digest }: Verified<'manifest'>,
  producerBytes: number,
): void {
  const { producer, chain, seq, previous } = document
  if ((seq === 1) !== (previous === null))
    throw new WaybillError('CHAIN_BROKEN', `batch ${seq} names a wrong predecessor`)
  const at = store.$client.prepare<[string, string, number], { digest: string; previous: string | null }>(
    'SELECT manifest_digest digest, previous FROM batches WHERE producer = ? AND chain = ? AND seq = ?',
  )
  const before = at.all(producer, chain, seq - 1)
  const after = at.all(producer, chain, seq + 1)
  const follows = before.length === 0 || before.some((batch) => batch.digest === previous)
  const isFollowed =
    after.length === 0 || after.some((batch) => batch.previous === digest) || at.all(producer, chain, seq).length > 0
  if (!follows || !isFollowed) throw new WaybillError('CHAIN_BROKEN', `batch ${seq} does not link to its neighbours`)
  if (seq > throughOf(store, producer, chain) + mostAhead)
    throw new WaybillError('QUOTA_EXCEEDED', `batch ${seq} is more than ${mostAhead} ahead of the first missing one`)
  if (bytesOf(store, producer) + document.payload.size > producerBytes)
    throw new WaybillError('QUOTA_EXCEEDED', 'the laptop has used up its bytes on this server')
}

/**
 * Whether a batch waits for a person: it is on a forked part of its chain, or above what an unsuspected receipt witnessed of
 * a revoked device. A second manifest of one number makes the fork.
 */
export function isHeld(store: ServerStore, { producer, chain, seq }: Manifest, study: StudyDocument): boolean {
  ensureChain(store, producer, chain)
  const twin = store.$client
    .prepare('SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = ?')
    .get(producer, chain, seq)
  if (twin) fork(store, producer, chain, seq)
  const forkAt = store.$client
    .prepare<[string, string], { forkAt: number | null }>(
      'SELECT fork_at forkAt FROM chains WHERE producer = ? AND chain = ?',
    )
    .get(producer, chain)?.forkAt
  witness(store, producer, { chain, seq, unsealed: 0 })
  return (forkAt !== null && forkAt !== undefined && seq >= forkAt) || seq > revokedAbove(study, producer, chain)
}

/** Remembers the highest number that anyone has proof of. */
export function witness(store: ServerStore, producer: string, { chain, seq, unsealed }: Head): void {
  ensureChain(store, producer, chain)
  store.$client
    .prepare(
      `UPDATE chains SET witnessed = ?, unsealed = ?, dirty = 1
       WHERE producer = ? AND chain = ? AND (witnessed < ? OR (witnessed = ? AND unsealed != ? AND ? > 0))`,
    )
    .run(seq, unsealed, producer, chain, seq, seq, unsealed, unsealed)
}

/** What the revocation of a device lets through: everything up to the witnessed position of each chain. */
function revokedAbove(study: StudyDocument, producer: string, chain: string): number {
  const revocation = study.revocations.find(({ device }) => device === producer)
  if (!revocation) return Number.POSITIVE_INFINITY
  return revocation.chains.find((known) => known.chain === chain)?.throughSeq ?? 0
}

function fork(store: ServerStore, producer: string, chain: string, seq: number): void {
  store.$client
    .prepare('UPDATE chains SET fork_at = min(coalesce(fork_at, ?), ?), dirty = 1 WHERE producer = ? AND chain = ?')
    .run(seq, seq, producer, chain)
  store.$client
    .prepare(
      `UPDATE batches SET state = 'held', code = 'BATCH_CONFLICT' WHERE producer = ? AND chain = ? AND seq >= ? AND state = 'ingested'`,
    )
    .run(producer, chain, seq)
}

function ensureChain(store: ServerStore, producer: string, chain: string): void {
  store.$client.prepare('INSERT OR IGNORE INTO chains (producer, chain) VALUES (?, ?)').run(producer, chain)
}

function throughOf(store: ServerStore, producer: string, chain: string): number {
  return (
    store.$client
      .prepare<[string, string], { through: number }>('SELECT through FROM chains WHERE producer = ? AND chain = ?')
      .get(producer, chain)?.through ?? 0
  )
}

/** Bytes of a producer that are not delivered yet: what was opened is no burden that it can be blamed for. */
function bytesOf(store: ServerStore, producer: string): number {
  return (
    store.$client
      .prepare<[string], { bytes: number | null }>(
        "SELECT sum(payload_size) bytes FROM batches WHERE state IN ('ingested', 'held', 'quarantined') AND producer = ?",
      )
      .get(producer)?.bytes ?? 0
  )
}
