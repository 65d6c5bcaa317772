import type { Trust } from '../shared/crypto/trust.ts'
import { type ErrorCode, naming, WaybillError } from '../shared/service/errors.ts'
import { inForce, isRefused, lifts } from './batch-decisions.ts'
import { ChainPlaces } from './chain-places.ts'
import { textOf } from './opened-batches.ts'
import { readDecision } from './read-decision.ts'
import type { VerifyContext } from './verify.ts'

interface StoredDecision {
  change: number
  decision: string
  batch: string
  through: string | null
}

interface Judged {
  ordinal: number
  producer: string
  chain: string
  seq: number
  state: 'held' | 'refused' | 'opened'
  code: ErrorCode | null
}

const ownModels = "('waybill.release', 'waybill.refuse')"

/**
 * Verifies that each decision on a batch is what a server of the study signed, that none is left out, and that what waited for a person
 * stands as they say: released, refused, or waiting.
 * @throws PROVENANCE_BROKEN, SIGNATURE_INVALID... naming the decision or the batch
 */
export async function verifyReleases(context: VerifyContext, trust: Trust): Promise<void> {
  const next = context.store.$client.prepare<[number], StoredDecision>(
    'SELECT change, decision, batch, through FROM batch_decisions WHERE change > ? ORDER BY change LIMIT 1',
  )
  for (let row = next.get(-1); row; row = next.get(row.change)) {
    const stored = row
    await naming(`the decision to ${stored.decision} batch ${stored.batch.slice(0, 12)}`, () =>
      verifyDecision(context, trust, stored),
    )
  }
  // What belongs together is read together: the program may run.
  context.store.$client.transaction(() => {
    checkAllTaken(context)
    checkHeld(context)
  })()
}

/** It says in its sealed batch what is stored of it, and who signed that batch may decide. */
async function verifyDecision(context: VerifyContext, trust: Trust, stored: StoredDecision): Promise<void> {
  const place = context.store.$client
    .prepare<[number], { position: number; digest: Buffer; batch: number; number: number; manifest: string }>(
      `SELECT c.position, c.digest, c.batch, c.number, b.manifest FROM changes c JOIN batches b ON b.ordinal = c.batch
       WHERE c.position = ?`,
    )
    .get(stored.change)
  if (!place) throw broken('no change of the feed says so')
  const { signer } = await trust.verify(place.manifest, 'manifest')
  const decision = readDecision((await textOf(context, place)).change)
  const isSame =
    typeof decision === 'object' &&
    'on' in decision &&
    decision.on === stored.decision &&
    decision.batch === stored.batch &&
    decision.through === stored.through
  if (!isSame || !(signer.role === 'server' || signer.role === 'central'))
    throw broken('it is not what a server of the study signed')
}

function checkAllTaken({ store }: VerifyContext): void {
  const lost = store.$client
    .prepare<[], { pk: string }>(
      `SELECT r.pk FROM records r JOIN changes c ON c.record = r.ordinal WHERE r.model IN ${ownModels}
       AND c.position <= (SELECT CAST(value AS INTEGER) FROM facts WHERE key = 'appliedThrough')
       AND NOT EXISTS (SELECT 1 FROM aside_changes WHERE change = c.position)
       AND NOT EXISTS (SELECT 1 FROM batch_decisions d WHERE d.change = c.position) LIMIT 1`,
    )
    .get()
  if (lost) throw broken(`what was decided on batch ${lost.pk.slice(0, 12)} does not count`)
}

/** Batches that wait, or that were opened though they would have waited. */
function checkHeld({ store }: VerifyContext): void {
  const places = new ChainPlaces(store)
  const rows = store.$client
    .prepare<[], Judged>(
      `SELECT ordinal, producer, chain, seq, state, code FROM batches b WHERE state IN ('held', 'refused', 'opened')
       AND (code IN ('BATCH_CONFLICT', 'REVOKED') OR (state = 'opened' AND branch IS NOT NULL)) ORDER BY ordinal`,
    )
    .all()
  for (const { ordinal, producer, chain, seq, state, code } of rows) {
    const decisions = inForce(store, { producer, chain })
    const releases = decisions.filter(({ decision }) => decision === 'release')
    const isLifted = lifts(places, releases, ordinal, code ?? 'BATCH_CONFLICT')
    const where = `batch ${seq} of chain ${chain.slice(0, 8)}`
    if (state === 'opened') {
      if (
        !isLifted &&
        !releases.some(({ first, through }) => through === null && places.leadsTo(first, ordinal)) &&
        hadToWait(store, { ordinal, producer, chain, seq, code })
      )
        throw broken(`${where} had to wait for a person, and was opened without`)
    } else if (isLifted) throw broken(`${where} is released, and waits`)
    else if ((state === 'refused') !== isRefused(places, decisions, ordinal))
      throw broken(
        `${where} is ${state === 'refused' ? 'called refused, and nobody refused it' : 'refused, and waits'}`,
      )
  }
}

/** It came when its chain had forked already, at its number or before. What was applied before that stays. */
function hadToWait(
  { $client }: VerifyContext['store'],
  { ordinal, producer, chain, seq, code }: Omit<Judged, 'state'>,
): boolean {
  if (code === 'REVOKED') return true
  const forkedBefore = $client.prepare(
    'SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq <= ? AND ordinal <= ? GROUP BY seq HAVING count(*) > 1 LIMIT 1',
  )
  return forkedBefore.get(producer, chain, seq, ordinal) !== undefined
}

function broken(why: string): WaybillError {
  return new WaybillError('PROVENANCE_BROKEN', why)
}
