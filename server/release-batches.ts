import type { ErrorCode } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { advance } from './advance.ts'
import { inForce, isRefused, lifts, placeOf } from './batch-decisions.ts'
import { forkOf } from './branches.ts'
import { ChainPlaces } from './chain-places.ts'
import { writeFact } from './facts.ts'
import { isLost } from './lost-payload.ts'
import type { ServerStore } from './open-store.ts'
import type { OnBatch } from './read-decision.ts'

interface Waiting {
  ordinal: number
  digest: string
  state: 'held' | 'refused'
  code: ErrorCode
}

/** What waits, or was refused, in a chain stands as persons have decided: call it when what links its batches came. */
export function reconsider(store: ServerStore, of: { producer: string; chain: string }): void {
  const client = store.$client
  const decisions = inForce(store, of)
  if (decisions.length === 0) return
  const places = new ChainPlaces(store)
  const set = prepared(client, 'UPDATE batches SET state = ?, message = NULL WHERE ordinal = ?')
  const waiting = prepared<[string, string], Waiting>(
    client,
    `SELECT ordinal, manifest_digest digest, state, code FROM batches WHERE producer = ? AND chain = ?
     AND state IN ('held', 'refused') AND code IN ('BATCH_CONFLICT', 'REVOKED')`,
  ).all(of.producer, of.chain)
  const releases = decisions.filter(({ decision }) => decision === 'release')
  for (const { ordinal, state, code } of waiting) {
    const waits = isRefused(places, decisions, ordinal) ? 'refused' : 'held'
    const next = lifts(places, releases, ordinal, code) ? 'ingested' : waits
    if (next !== state) set.run(next, ordinal)
  }
  alarmOfFork(store, of)
}

/**
 * A person's decision on a batch counts from now on, whether the batch is here or comes later; call it in the transaction that applies the
 * decision. One that was set aside is tried again, or is refused, itself alone.
 */
export function takeBatchDecision(store: ServerStore, change: number, { on, batch, through }: OnBatch): void {
  const client = store.$client
  prepared(client, 'INSERT OR IGNORE INTO batch_decisions VALUES (?, ?, ?, ?)').run(change, on, batch, through)
  const known = placeOf(store, batch)
  if (!known) return
  const held = "code IN ('BATCH_CONFLICT', 'REVOKED')"
  if (on === 'release')
    prepared(
      client,
      `UPDATE batches SET state = 'ingested', code = NULL, message = NULL
       WHERE ordinal = ? AND state IN ('quarantined', 'refused') AND NOT (${held})`,
    ).run(known.ordinal)
  standAsDecided(store, batch)
  advance(store, known.producer, known.chain)
}

/** A fork is told of while something of it waits for a person. Call it in the transaction that changed that. */
export function alarmOfFork(store: ServerStore, { producer, chain }: { producer: string; chain: string }): void {
  const client = store.$client
  const key = `alarm:fork:${producer.slice(0, 8)}:${chain.slice(0, 8)}`
  const waits = prepared(
    client,
    `SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND state = 'held' AND code = 'BATCH_CONFLICT' LIMIT 1`,
  )
  const seq = forkOf(store, producer, chain)
  if (seq !== null && waits.get(producer, chain) !== undefined)
    writeFact(store, key, `two versions claim number ${seq}; what comes from there on waits for a person`)
  else prepared(client, 'DELETE FROM facts WHERE key = ?').run(key)
}

/** A batch that waits, and those around it, stand as persons have decided, perhaps before it came. */
export function standAsDecided(store: ServerStore, digest: string): void {
  const batch = placeOf(store, digest)
  if (!batch) return
  refuseAside(store, digest)
  reconsider(store, batch)
}

/** What was set aside and was refused by a person waits for nobody. What the disk lost is never refused: whoever has it brings it again. */
function refuseAside({ $client }: ServerStore, digest: string): void {
  prepared(
    $client,
    `UPDATE batches SET state = 'refused' WHERE manifest_digest = ? AND state = 'quarantined' AND NOT (${isLost})
     AND EXISTS (SELECT 1 FROM batch_decisions d WHERE d.batch = manifest_digest AND d.decision = 'refuse')
     AND NOT EXISTS (SELECT 1 FROM batch_decisions d WHERE d.batch = manifest_digest AND d.decision = 'release')`,
  ).run(digest)
}
