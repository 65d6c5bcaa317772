import { and, asc, eq, gt } from 'drizzle-orm'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { type HandOnBatch, handOn, type SignedFor } from '../shared/transfer/hand-on.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { credentialsFor } from './meet.ts'
import { type Hold, nextPosition, type RelayStore, withoutSync } from './open-store.ts'
import { manifests } from './schema.ts'
import { type BatchRow, receiptOf } from './take-custody.ts'

/** While one request is answered, the next is on the way. */
const forwardsAtOnce = 2
const pageSize = 100
const waitMs = 5 * 60_000

/** What a forward came to. */
export interface Forwarded {
  signed: number
  problems: WaybillError[]
}

/**
 * Offers a server all that is aboard and sends what it wants, in the order in which it came aboard. Only the server's signature
 * makes a batch `forwarded`. A batch that it refuses stays aboard and is offered again after five minutes.
 * @throws PEER_UNREACHABLE; the next forward goes on from there
 */
export async function forward(
  hold: Hold,
  client: PeerClient,
  server: string,
  refusals: Map<string, number>,
  progress: (signed: number) => void,
): Promise<Forwarded> {
  const outcome: Forwarded = { signed: 0, problems: [] }
  for (let after = 0; ; ) {
    const page = pageAboard(hold, after)
    if (page.length === 0) return outcome
    after = page.at(-1)?.id ?? after
    const due = page.filter(({ digest }) => (refusals.get(digest) ?? 0) <= hold.clock.monotonic())
    const batches: HandOnBatch[] = []
    for (const row of due) batches.push(await handOnBatch(hold, row))
    const rows = new Map(due.map((row) => [row.digest, row]))
    const signed = async (given: SignedFor[]) => {
      const { taken, bad } = await takeServerReceipts(hold, rows, server, given)
      for (const digest of taken) refusals.delete(digest)
      outcome.signed += taken.length
      progress(outcome.signed)
      if (bad) throw bad
    }
    const refused = async (digest: string, error: WaybillError) => {
      noteRefusal(hold, digest, server, error)
      refusals.set(digest, hold.clock.monotonic() + waitMs)
      outcome.problems.push(error)
    }
    await handOn(client, hold.payloads, batches, { signed, refused }, forwardsAtOnce)
  }
}

function pageAboard(hold: Hold, after: number): BatchRow[] {
  return hold.store
    .select()
    .from(manifests)
    .where(and(eq(manifests.state, 'aboard'), gt(manifests.id, after)))
    .orderBy(asc(manifests.id))
    .limit(pageSize)
    .all()
}

async function handOnBatch(hold: Hold, { digest, jws, payloadDigest }: BatchRow): Promise<HandOnBatch> {
  const receipt = receiptOf(hold.store, digest)
  if (!receipt) throw new WaybillError('STORAGE_FAILED', `batch ${digest} is aboard without a receipt`)
  return {
    digest,
    manifest: jws,
    path: [receipt.jws],
    credentials: await credentialsFor(hold, [jws, receipt.jws]),
    at: hold.clock.now().toISOString(),
    // What the laptop said of itself is in this relay's own receipt, hop 1.
    head: null,
    payload: payloadDigest,
  }
}

/** Keeps what the server signed, in one transaction. @returns which batches, and what was wrong with another's receipt */
async function takeServerReceipts(
  hold: Hold,
  rows: Map<string, BatchRow>,
  server: string,
  given: SignedFor[],
): Promise<{ taken: string[]; bad: WaybillError | undefined }> {
  const good: { row: BatchRow; custody: string }[] = []
  let bad: WaybillError | undefined
  for (const { digest, custody } of given) {
    try {
      good.push({ row: await checkServerReceipt(hold, rows.get(digest), server, custody), custody })
    } catch (error) {
      bad ??= asWaybillError(error)
    }
  }
  // Lost in a power cut, they are offered again, and the server repeats its receipts.
  withoutSync(hold, (store) => storeServerReceipts(store, server, good))
  return { taken: good.map(({ row }) => row.digest), bad }
}

/** @throws BAD_DOCUMENT, CREDENTIAL_REFUSED when it is not this server's signature for this batch, and what Trust.verify throws */
async function checkServerReceipt(
  hold: Hold,
  row: BatchRow | undefined,
  server: string,
  custody: string,
): Promise<BatchRow> {
  if (!row) throw new WaybillError('BAD_DOCUMENT', 'the server signed for a batch that was not offered')
  const { document, signer } = await hold.trust.verify(custody, 'custody')
  if (document.by !== server || signer.device !== server || document.manifest !== row.digest)
    throw new WaybillError('CREDENTIAL_REFUSED', 'a custody receipt that is not of this server for this batch')
  return row
}

function storeServerReceipts(store: RelayStore, server: string, good: { row: BatchRow; custody: string }[]): void {
  const keep = prepared(
    store.$client,
    `INSERT INTO server_receipts (manifest, by, producer, jws, position) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (manifest, by) DO UPDATE SET jws = excluded.jws, position = excluded.position`,
  )
  const advance = prepared(
    store.$client,
    `UPDATE manifests SET state = 'forwarded', code = NULL, why = NULL WHERE digest = ? AND state = 'aboard'`,
  )
  for (const { row, custody } of good) {
    keep.run(row.digest, server, row.producer, custody, nextPosition(store))
    advance.run(row.digest)
  }
}

function noteRefusal(hold: Hold, digest: string, server: string, { code, message }: WaybillError): void {
  hold.logger.warn({ peer: server, batch: digest, code }, message)
  hold.commit((store) => store.update(manifests).set({ code, why: message }).where(eq(manifests.digest, digest)).run())
}
