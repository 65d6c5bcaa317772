import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { DaemonStore } from './open-store.ts'

/** Changes of the outbox, one after the other, that make one batch. */
export interface Run {
  first: number
  last: number
  changes: number
  /** What their lines take, each with its end. */
  bytes: number
  /** The next change goes into another batch. */
  isFull: boolean
}

type Limits = StudyDocument['limits']

/** The oldest changes of the outbox behind a position, as the batches that the study's limits make of them; at most so many. */
export function oldestRuns(store: DaemonStore, limits: Limits, after: number, most: number): Run[] {
  const oldest = prepared<[number, number], { position: number; size: number }>(
    store.$client,
    'SELECT position, size FROM outbox WHERE position > ? ORDER BY position LIMIT ?',
  ).all(after, most * limits.batchChanges)
  const runs: Run[] = []
  for (const { position, size } of oldest) {
    let run = runs.at(-1)
    if (run && run.bytes + size + 1 > limits.batchBytes) run.isFull = true
    if (!run || run.isFull) {
      if (runs.length === most) break
      run = { first: position, last: position, changes: 0, bytes: 0, isFull: false }
      runs.push(run)
    }
    run.last = position
    run.changes += 1
    run.bytes += size + 1
    run.isFull = run.changes === limits.batchChanges
  }
  return runs
}

/**
 * Their lines, each with its end, as the bytes that are sealed. Written one after the other: to join them first, here or in the
 * database, costs more than to compress them does.
 * @throws STORAGE_FAILED when a line is not as long as it was when it was recorded
 */
export function textOf(store: DaemonStore, { first, last, bytes }: Run): Buffer {
  const rows = prepared<[number, number], { position: number; line: string; size: number }>(
    store.$client,
    'SELECT position, line, size FROM outbox WHERE position BETWEEN ? AND ? ORDER BY position',
  ).all(first, last)
  const text = Buffer.allocUnsafe(bytes)
  let end = 0
  for (const { position, line, size } of rows) {
    if (text.write(line, end) !== size)
      throw new WaybillError('STORAGE_FAILED', `change ${position} of the outbox is not the ${size} bytes that it was`)
    end += size + text.write('\n', end + size)
  }
  if (end !== bytes)
    throw new WaybillError('STORAGE_FAILED', `changes ${first} to ${last} of the outbox are not all there`)
  return text
}
