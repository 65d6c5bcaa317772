import type { StudyDocument } from '../shared/protocol/study-document.ts'
import type { DaemonStore } from './open-store.ts'

/** Where one batch is, as receipts prove it. */
export interface BatchReceipts {
  chain: string
  seq: number
  batch: string
  changes: number
  sealedAt: string
  /** `sealed`: nobody signed. `custody`: someone holds it. `delivered`: the server opened it. `safe`: it is backed up. */
  state: 'sealed' | 'custody' | 'delivered' | 'safe'
  pruned: boolean
  holders: Array<{ device: string; name: string; role: string; since: string }>
}

interface Row extends Omit<BatchReceipts, 'state' | 'pruned' | 'holders'> {
  delivered: number
  safe: number
  pruned: number
}

/** Every batch of this laptop with its state and in whose hands it is since when, oldest first. */
export function* batchReceipts(store: DaemonStore, study: StudyDocument): Generator<BatchReceipts> {
  const rows = store.$client
    .prepare<[], Row>(
      `SELECT chain, seq, manifest_digest batch, changes, sealed_at sealedAt, delivered, safe, pruned
       FROM batches ORDER BY position`,
    )
    .all()
  const holders = store.$client.prepare<[string], { device: string; role: string; since: string }>(
    'SELECT by device, role, at since FROM custody_receipts WHERE manifest_digest = ? AND void = 0 ORDER BY rowid',
  )
  for (const { delivered, safe, pruned, ...batch } of rows) {
    const held = holders.all(batch.batch)
    const state = delivered ? (safe ? 'safe' : 'delivered') : held.length > 0 ? 'custody' : 'sealed'
    const named = held.map((holder) => ({
      ...holder,
      name: study.devices[holder.device]?.name ?? holder.device.slice(0, 8),
    }))
    yield { ...batch, state, pruned: pruned === 1, holders: named }
  }
}
