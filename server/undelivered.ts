import { readDocument } from '../shared/crypto/read-document.ts'
import { missingRanges } from '../shared/protocol/coverage.ts'
import { rangesAbove } from './delivery.ts'
import type { ServerStore } from './open-store.ts'

/** What a laptop is known to have that has not arrived here, of one of its chains. */
export interface Undelivered {
  chain: string
  /** Numbers that it packed and nobody brought. */
  missing: Array<[number, number]>
  /** How many numbers those are. */
  numbers: number
  /** Changes that it had not packed when it was last heard of. */
  unsealed: number
  /** At most so many changes: those, and in each missing number as many as the study lets it pack. */
  changesAtMost: number
  /** When, by its own clock, it packed the last of what is here without a gap; null where nothing is. */
  hereUntil: string | null
}

interface Row {
  producer: string
  chain: string
  through: number
  witnessed: number
  unsealed: number
}

/**
 * What is known to be on laptops and not here, by laptop; chains of which all that is known has arrived are left out. Never more than
 * somebody told: what a laptop recorded since it was last heard of, it alone knows.
 * @param batchChanges how many changes the study lets a laptop pack under one number
 * @param device of this laptop only
 */
export function undelivered(store: ServerStore, batchChanges: number, device?: string): Map<string, Undelivered[]> {
  const rows = store.$client
    .prepare<[string | null, string | null], Row>(
      `SELECT producer, chain, through, witnessed, unsealed FROM chains
       WHERE (through < witnessed OR unsealed > 0) AND (? IS NULL OR producer = ?) ORDER BY producer, chain LIMIT 4096`,
    )
    .all(device ?? null, device ?? null)
  const found = new Map<string, Undelivered[]>()
  for (const row of rows) {
    const missing = missingRanges(row.through, rangesAbove(store, row, '1'), row.witnessed)
    const numbers = missing.reduce((sum, [first, last]) => sum + last - first + 1, 0)
    if (numbers + row.unsealed === 0) continue
    const { chain, unsealed } = row
    const changesAtMost = numbers * batchChanges + unsealed
    const hereUntil = sealedAt(store, row, (missing[0]?.[0] ?? row.witnessed + 1) - 1)
    const told = { chain, missing, numbers, unsealed, changesAtMost, hereUntil }
    found.set(row.producer, [...(found.get(row.producer) ?? []), told])
  }
  return found
}

function sealedAt(store: ServerStore, { producer, chain }: Row, seq: number): string | null {
  const batch = store.$client
    .prepare<[string, string, number], { manifest: string }>(
      'SELECT manifest FROM batches WHERE producer = ? AND chain = ? AND seq = ? ORDER BY ordinal LIMIT 1',
    )
    .get(producer, chain, seq)
  return batch ? readDocument(batch.manifest, 'manifest').document.sealedAt : null
}
