import { SqliteError } from 'better-sqlite3'
import type { SignedDocument } from '../shared/crypto/sign-document.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { currentChain } from './chain.ts'
import type { DaemonStore } from './open-store.ts'
import {
  discard,
  firstTip,
  type Prepared,
  prepareBatches,
  type SealContext,
  type Tip,
  tipAfter,
} from './prepare-batches.ts'
import { markSealed } from './seal-documents.ts'

/**
 * Batches that one transaction numbers. Each waits for the disk, which on an old laptop takes longer than all else: together they wait
 * once. More would hold more plain text in memory, and keep what else the program does waiting.
 */
const together = 4

/**
 * Seals the oldest changes of the outbox into batches, and signed handovers with them or alone. The payloads are on disk before the
 * one transaction that numbers the batches, stores their signed manifests and erases the plain text; until then nobody can see them.
 * While it waits for the disk, the next ones are compressed. Call it single-flight.
 * @param onlyFull what does not fill a batch can wait
 * @param most it ends after so many batches
 * @returns the number of batches; 0 when nothing waits
 * @throws LOCKED when another chain began meanwhile, or another program seals: it can be tried again; DISK_FULL; BAD_DOCUMENT when
 * others could not read what would be signed. What was not sealed stays in the outbox
 */
export async function sealBatches(
  context: SealContext,
  onlyFull = false,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  let sealed = 0
  const prepareNext = async (from: Tip) => {
    const further = Math.min(together, most - sealed)
    if (further === 0) return undefined
    // What spoils one of them spoils no other before it.
    return prepareBatches(context, from, onlyFull, further).catch(() => prepareBatches(context, from, onlyFull, 1))
  }
  let next = prepareNext(firstTip(context.store))
  for (let now = await next; now; now = await next) {
    sealed += now.batches.length
    next = prepareNext(tipAfter(now))
    try {
      commit(context.store, now)
    } catch (error) {
      await discard(context, await next.catch(() => undefined))
      // What the database itself threw is not certain: a commit whose fsync failed may be found in the log after a power cut. So the
      // payloads stay until the next start knows better.
      if (!(error instanceof SqliteError)) await discard(context, now)
      throw error
    }
  }
  return sealed
}

function commit(store: DaemonStore, { from, runs, batches }: Prepared): void {
  const erase = prepared(store.$client, 'DELETE FROM outbox WHERE position BETWEEN ? AND ?')
  store.$client
    .transaction(() => {
      const { chain, seq } = currentChain(store)
      const isErased = runs.every(({ first, last, changes }) => erase.run(first, last).changes === changes)
      if (chain !== from.chain.chain || seq !== from.chain.seq || !isErased)
        throw new WaybillError('LOCKED', 'another chain began meanwhile, or another program seals this outbox')
      for (const { manifest, signed } of batches) {
        insertBatch(store, manifest, signed)
        markSealed(store, manifest.handovers, signed.digest)
      }
    })
    .immediate()
}

function insertBatch(store: DaemonStore, manifest: Manifest, signed: SignedDocument): void {
  const { chain, seq, payload, changes, sealedAt } = manifest
  prepared(
    store.$client,
    `INSERT INTO batches (chain, seq, manifest_digest, manifest, payload_digest, payload_size, changes, sealed_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(chain, seq, signed.digest, signed.jws, payload.digest, payload.size, changes, sealedAt)
}
