import type { StudyDocument } from '../shared/protocol/study-document.ts'
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
    run.isFull = run.changes === limits.batchChanges || run.bytes > limits.batchBytes
  }
  return runs
}

/**
 * Their lines, each with its end, as the bytes that are sealed. Written one after the other: to join them first, here or in the
 * database, costs more than to compress them does.
 */
export function textOf(store: DaemonStore, { first, last }: Run): Buffer {
  const rows = prepared<[number, number], { line: string }>(
    store.$client,
    'SELECT line FROM outbox WHERE position BETWEEN ? AND ? ORDER BY position',
  ).all(first, last)
  const text = Buffer.allocUnsafe(rows.reduce((bytes, { line }) => bytes + Buffer.byteLength(line) + 1, 0))
  let end = 0
  for (const { line } of rows) {
    end += text.write(line, end)
    end += text.write('\n', end)
  }
  return text
}
