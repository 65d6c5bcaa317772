import type { Verified } from '../shared/crypto/trust.ts'
import type { Head } from '../shared/protocol/custody-receipt.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { isNamed, isReleased } from './batch-decisions.ts'
import { forkOf, linkBatch } from './branches.ts'
import type { ServerStore } from './open-store.ts'
import { alarmOfFork, reconsider } from './release-batches.ts'

/** At most this many batches ahead of the first one that is missing. */
const mostAhead = 1024
/** A laptop begins another chain when its disk was restored or its data lost: an honest one does not do it so often. */
const mostChains = 64
/** Chains of one producer that someone only told of. */
const mostHeardOf = 16

/**
 * Checks a manifest against its neighbours and the limits of its producer.
 * @throws CHAIN_BROKEN, QUOTA_EXCEEDED
 */
export function checkPlace(store: ServerStore, manifest: Verified<'manifest'>, producerBytes: number): void {
  const { producer, chain, seq } = manifest.document
  checkLinks(store, manifest)
  if (seq > throughOf(store, producer, chain) + mostAhead && seq > firstMissing(store, producer, chain) + mostAhead)
    throw new WaybillError('QUOTA_EXCEEDED', `batch ${seq} is more than ${mostAhead} ahead of the first missing one`)
  if (isNewChain(store, producer, chain) && chainsOf(store, producer) >= mostChains)
    throw new WaybillError('QUOTA_EXCEEDED', `the laptop has begun more than ${mostChains} chains`)
  if (bytesOf(store, producer) + manifest.document.payload.size > producerBytes)
    throw new WaybillError('QUOTA_EXCEEDED', 'the laptop has used up its bytes on this server')
}

/**
 * Numbers the place of a batch that was just stored. It waits for a person where a second manifest of one number forks the chain from there,
 * or where its producer was revoked, who is believed only as far as it was witnessed; unless a person has released it before it came.
 */
export function takePlace(store: ServerStore, manifest: Verified<'manifest'>, study: StudyDocument): void {
  const { document, digest, signer } = manifest
  const { producer, chain, seq } = document
  ensureChain(store, producer, chain)
  keepOrigin(store, document)
  const twin = prepared(
    store.$client,
    'SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND manifest_digest != ?',
  )
  const isTwin = twin.get(producer, chain, seq, digest) !== undefined
  if (isTwin) fork(store, producer, chain, seq)
  witness(store, producer, { chain, seq, unsealed: 0 })
  prepared(store.$client, 'UPDATE chains SET dirty = 1 WHERE producer = ? AND chain = ?').run(producer, chain)
  const forkAt = forkOf(store, producer, chain)
  const isLinkedAnew = forkAt !== null && seq >= forkAt && linkBatch(store, document, digest, isTwin)
  const isOld = signer.epoch < (study.minimumEpoch[signer.role] ?? 0)
  const code = isOld && !isReleased(store, digest, 'REVOKED') ? 'REVOKED' : heldFor(store, document, digest, study)
  if (code !== undefined) hold(store, digest, code)
  if (isLinkedAnew || code !== undefined || isNamed(store, digest)) reconsider(store, { producer, chain })
}

/** Why a batch that is stored waits for a person, as things stand now; undefined where it does not. */
export function heldFor(
  store: ServerStore,
  { producer, chain, seq }: Manifest,
  digest: string,
  study: StudyDocument,
): ErrorCode | undefined {
  const forkAt = forkOf(store, producer, chain)
  if (forkAt !== null && seq >= forkAt && !isReleased(store, digest, 'BATCH_CONFLICT')) return 'BATCH_CONFLICT'
  const isBeyond = isBeyondRevocation(study, { producer, chain, seq }, digest)
  return isBeyond && !isReleased(store, digest, 'REVOKED') ? 'REVOKED' : undefined
}

/** Remembers the highest number that anyone has proof of, or has told of. */
export function witness(store: ServerStore, producer: string, { chain, seq, unsealed }: Head): void {
  const isKnown = prepared(store.$client, 'SELECT 1 FROM chains WHERE producer = ? AND chain = ?').get(producer, chain)
  if (!isKnown && heardOf(store, producer) >= mostHeardOf) return
  ensureChain(store, producer, chain)
  prepared(
    store.$client,
    `UPDATE chains SET witnessed = ?, unsealed = ?, dirty = 1
       WHERE producer = ? AND chain = ? AND (witnessed < ? OR (witnessed = ? AND unsealed != ? AND ? > 0))`,
  ).run(seq, unsealed, producer, chain, seq, seq, unsealed, unsealed)
}

function checkLinks(store: ServerStore, { document, digest }: Verified<'manifest'>): void {
  const { producer, chain, seq, previous, continues } = document
  if ((seq === 1) !== (previous === null))
    throw new WaybillError('CHAIN_BROKEN', `batch ${seq} names a wrong predecessor`)
  if (continues !== null && (seq !== 1 || continues.chain === chain))
    throw new WaybillError('CHAIN_BROKEN', `batch ${seq} cannot go on from chain ${continues.chain.slice(0, 8)}`)
  const at = prepared<[string, string, number], { digest: string; previous: string | null }>(
    store.$client,
    'SELECT manifest_digest digest, previous FROM batches WHERE producer = ? AND chain = ? AND seq = ?',
  )
  const before = at.all(producer, chain, seq - 1)
  const after = at.all(producer, chain, seq + 1)
  const follows = before.length === 0 || before.some((batch) => batch.digest === previous)
  const isFollowed =
    after.length === 0 || after.some((batch) => batch.previous === digest) || at.all(producer, chain, seq).length > 0
  if (!follows || !isFollowed) throw new WaybillError('CHAIN_BROKEN', `batch ${seq} does not link to its neighbours`)
}

/**
 * What is stored, opened or not, leaves no gap: a batch that cannot be opened holds up no other. Nothing was ever taken more than
 * `mostAhead` beyond the first missing number, so it is that near below the newest.
 */
function firstMissing(store: ServerStore, producer: string, chain: string): number {
  const { newest } = prepared<[string, string], { newest: number | null }>(
    store.$client,
    'SELECT max(seq) newest FROM batches WHERE producer = ? AND chain = ?',
  ).get(producer, chain) ?? { newest: null }
  let next = Math.max(1, (newest ?? 0) - mostAhead)
  const stored = prepared<[string, string, number], { seq: number }>(
    store.$client,
    'SELECT DISTINCT seq FROM batches WHERE producer = ? AND chain = ? AND seq >= ? ORDER BY seq',
  ).iterate(producer, chain, next)
  for (const { seq } of stored) {
    if (seq !== next) break
    next += 1
  }
  return next
}

function throughOf(store: ServerStore, producer: string, chain: string): number {
  return (
    prepared<[string, string], { through: number }>(
      store.$client,
      'SELECT through FROM chains WHERE producer = ? AND chain = ?',
    ).get(producer, chain)?.through ?? 0
  )
}

/** What the revocation of a device lets through: everything up to the witnessed position of each chain. */
function isBeyondRevocation(
  study: StudyDocument,
  { producer, chain, seq }: Pick<Manifest, 'producer' | 'chain' | 'seq'>,
  digest: string,
): boolean {
  const revocation = study.revocations.find(({ device }) => device === producer)
  if (!revocation) return false
  const known = revocation.chains.find((place) => place.chain === chain)
  if (!known || seq > known.throughSeq) return true
  return seq === known.throughSeq && known.digest !== null && known.digest !== digest
}

/** What is not opened waits; what was applied stays, marked disputed. */
function fork(store: ServerStore, producer: string, chain: string, seq: number): void {
  prepared(
    store.$client,
    'UPDATE chains SET fork_at = min(coalesce(fork_at, ?), ?), dirty = 1 WHERE producer = ? AND chain = ?',
  ).run(seq, seq, producer, chain)
  prepared(
    store.$client,
    `UPDATE batches SET state = iif(state = 'ingested', 'held', state), code = 'BATCH_CONFLICT'
       WHERE producer = ? AND chain = ? AND seq >= ? AND (state = 'ingested' OR (state = 'opened' AND code IS NULL))`,
  ).run(producer, chain, seq)
  alarmOfFork(store, { producer, chain })
}

function hold(store: ServerStore, digest: string, code: ErrorCode): void {
  prepared(store.$client, "UPDATE batches SET state = 'held', code = ? WHERE manifest_digest = ?").run(code, digest)
}

/** What a chain goes on from is said by its first batch alone. */
function keepOrigin(store: ServerStore, { producer, chain, continues }: Manifest): void {
  if (continues === null) return
  prepared(
    store.$client,
    `UPDATE chains SET continues_chain = ?, continues_seq = ?
       WHERE producer = ? AND chain = ? AND continues_chain IS NULL`,
  ).run(continues.chain, continues.seq, producer, chain)
}

function ensureChain(store: ServerStore, producer: string, chain: string): void {
  prepared(store.$client, 'INSERT OR IGNORE INTO chains (producer, chain) VALUES (?, ?)').run(producer, chain)
}

function isNewChain(store: ServerStore, producer: string, chain: string): boolean {
  return !prepared(store.$client, 'SELECT 1 FROM batches WHERE producer = ? AND chain = ? LIMIT 1').get(producer, chain)
}

function chainsOf(store: ServerStore, producer: string): number {
  return countChains(store, producer, 'EXISTS')
}

/** Nobody signed a batch of these yet: one liar's word must not crowd out what others are told. */
function heardOf(store: ServerStore, producer: string): number {
  return countChains(store, producer, 'NOT EXISTS')
}

function countChains(store: ServerStore, producer: string, batches: 'EXISTS' | 'NOT EXISTS'): number {
  return (
    prepared<[string], { count: number }>(
      store.$client,
      `SELECT count(*) count FROM chains c WHERE producer = ?
         AND ${batches} (SELECT 1 FROM batches b WHERE b.producer = c.producer AND b.chain = c.chain)`,
    ).get(producer)?.count ?? 0
  )
}

/** Bytes of a producer that are not delivered yet: what was opened is no burden that it can be blamed for. */
function bytesOf(store: ServerStore, producer: string): number {
  return (
    prepared<[string], { bytes: number | null }>(
      store.$client,
      "SELECT sum(payload_size) bytes FROM batches WHERE state IN ('ingested', 'held', 'quarantined', 'refused') AND producer = ?",
    ).get(producer)?.bytes ?? 0
  )
}
