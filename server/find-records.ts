import { WaybillError } from '../shared/service/errors.ts'
import { keyDigest } from './about-change.ts'
import type { ServerStore } from './open-store.ts'
import { atPlace, recordPlace } from './record-place.ts'

/** Where a record is found again: its number here, which says nothing of it. */
export interface FoundRecord {
  record: number
  model: string
  pk: string
}

const mostFound = 50
const mostSpellings = 64
const columns = 'c.ordinal record, c.model, c.pk'
const canonical = 'JOIN records c ON c.ordinal = coalesce(r.canonical, r.ordinal)'

/** The record of a model and pk, or the one that it is merged into. */
export function findByPk(store: ServerStore, model: string, pk: string): FoundRecord[] {
  return store.$client
    .prepare<[number, string, string], FoundRecord>(
      `SELECT ${columns} FROM records r ${canonical} WHERE r.ordinal = (SELECT ordinal FROM records WHERE ${atPlace}) AND c.shown IS NOT NULL`,
    )
    .all(...recordPlace(model, pk))
}

/**
 * Records that ever bore this natural key. What people type is text: a part that reads as a number, or as true or false, is looked for
 * as that too.
 */
export function findByNaturalKey(store: ServerStore, model: string, parts: string[]): FoundRecord[] {
  const find = store.$client.prepare<[Buffer, string], FoundRecord>(
    `SELECT DISTINCT ${columns} FROM natural_keys n JOIN records r ON r.ordinal = n.record ${canonical}
     WHERE n.key = ? AND c.model = ? AND c.shown IS NOT NULL LIMIT ${mostFound}`,
  )
  const found = new Map<number, FoundRecord>()
  for (const key of spellings(parts))
    for (const one of find.all(keyDigest(model, key), model)) found.set(one.record, one)
  return [...found.values()].slice(0, mostFound)
}

/** A record by its number. @throws NOT_FOUND */
export function recordAt(store: ServerStore, record: number): FoundRecord {
  const found = store.$client
    .prepare<[number], FoundRecord>(`SELECT ${columns} FROM records r ${canonical} WHERE r.ordinal = ?`)
    .get(record)
  if (!found) throw new WaybillError('NOT_FOUND', `no record of number ${record} is here`)
  return found
}

function spellings(parts: string[]): unknown[][] {
  let all: unknown[][] = [[]]
  for (const part of parts) {
    const values = /^(-?\d{1,15}(\.\d{1,15})?|true|false)$/.test(part) ? [part, JSON.parse(numberOf(part))] : [part]
    all = all.flatMap((before) => values.map((value) => [...before, value])).slice(0, mostSpellings)
  }
  return all
}

/** JSON has no leading zeros. */
function numberOf(part: string): string {
  return /^(true|false)$/.test(part) ? part : String(Number(part))
}
