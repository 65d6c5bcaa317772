import { maxChangeBytes } from '../../shared/protocol/change.ts'
import type { Clock } from '../../shared/service/clock.ts'
import { asWaybillError, WaybillError } from '../../shared/service/errors.ts'
import { type GivenChange, takeGiven } from '../read-change.ts'
import { type AppTable, type RefusedRow, recordOf, type WaitingRow } from './app-table.ts'

/** What became of a page of rows: all that is named as taken is on disk. */
export interface TakenPage {
  taken: string[]
  refused: RefusedRow[]
}

/** Rows are read wholly until they have so many bytes: memory does not grow with what waits (invariant 10). */
const chunkBytes = 4 * 1024 * 1024

/**
 * Takes over a page of rows. A row that is no change is named and spoils no other; what comes after it in its record is left, since
 * the corrected row comes before that.
 * @param record puts changes on disk, in one transaction
 */
export async function takePage(
  table: AppTable,
  rows: readonly WaitingRow[],
  clock: Clock,
  record: (given: GivenChange[]) => void,
): Promise<TakenPage> {
  const page: TakenPage = { taken: [], refused: [] }
  const held = new Set<string>()
  for (const chunk of chunksOf(rows)) {
    const readable = chunk.filter(({ bytes }) => bytes <= maxChangeBytes)
    const contents = readable.length === 0 ? [] : await table.read(readable)
    const byPosition = new Map(contents.map((row) => [String(row.position), row]))
    const given: GivenChange[] = []
    const taken: string[] = []
    for (const row of chunk) {
      const of = recordOf(row)
      const content = byPosition.get(row.position)
      // The app may have deleted it meanwhile.
      if (held.has(of) || (content === undefined && row.bytes <= maxChangeBytes)) continue
      try {
        if (content === undefined) throw tooLarge()
        given.push(takeGiven(table.changeOf(content), clock.now()))
        taken.push(row.position)
      } catch (thrown) {
        const { code, message } = asWaybillError(thrown)
        page.refused.push({ position: row.position, code, message })
        held.add(of)
      }
    }
    record(given)
    page.taken.push(...taken)
  }
  return page
}

function* chunksOf(rows: readonly WaitingRow[]): Generator<WaitingRow[]> {
  let chunk: WaitingRow[] = []
  let bytes = 0
  for (const row of rows) {
    const size = row.bytes > maxChangeBytes ? 0 : row.bytes
    if (chunk.length > 0 && bytes + size > chunkBytes) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(row)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}

function tooLarge(): WaybillError {
  return new WaybillError('CHANGE_TOO_LARGE', `the row is larger than ${maxChangeBytes} bytes`)
}
