import type { Change } from '../shared/protocol/change.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { FeedContext } from './feed.ts'
import { idHash } from './id-hash.ts'
import { type OpenedBatch, type TextPlace, textOf } from './opened-batches.ts'
import type { ChangeState } from './settle-change.ts'

/** A change that was opened here, with its text and what became of it. */
export interface FoundChange {
  change: Change
  digest: string
  batch: OpenedBatch
  state: ChangeState
  code: string | null
  message: string | null
}

interface Row extends TextPlace {
  state: ChangeState
  code: string | null
  message: string | null
}

const shortest = 8
/** What became of change `c`, which `a` says of one that is set aside, all at one moment: the program may run. */
export const stateColumn = `CASE WHEN c.position > coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE key = 'appliedThrough'), 0)
  THEN 'opened' ELSE coalesce(a.state, 'applied') END state`
const columns = `c.position, c.digest, c.batch, c.number, ${stateColumn}, a.code, a.message`

/**
 * The change that a person names: by its id, by its digest, or, among those that are set aside, by the first digits of its digest.
 * @throws NOT_FOUND; BAD_ARGUMENT where several bear the name, telling their digests; as readFeed
 */
export async function findChange(context: FeedContext, named: string): Promise<FoundChange> {
  const byId = (await foundIn(context, rowsOfId(context, named))).filter(({ change }) => change.id === named)
  const found = byId.length > 0 ? byId : await foundIn(context, rowsOfDigest(context, named))
  const [only, another] = found
  if (!only) throw new WaybillError('NOT_FOUND', `no change ${named} was opened here`)
  if (another)
    throw new WaybillError('BAD_ARGUMENT', `${named} names several: ${found.map(({ digest }) => digest).join(', ')}`)
  return only
}

function rowsOfId({ store }: FeedContext, id: string): Row[] {
  return store.$client
    .prepare<[number], Row>(
      `SELECT ${columns} FROM changes c LEFT JOIN aside_changes a ON a.change = c.position WHERE c.id_hash = ?`,
    )
    .all(idHash(id))
}

function rowsOfDigest({ store }: FeedContext, digits: string): Row[] {
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < shortest || digits.length > 64) return []
  const aside = store.$client
    .prepare<[string], Row>(
      `SELECT ${columns} FROM aside_changes a JOIN changes c ON c.position = a.change
       WHERE lower(hex(c.digest)) LIKE ? || '%' LIMIT 10`,
    )
    .all(digits)
  if (aside.length > 0 || digits.length < 64) return aside
  return store.$client
    .prepare<[Buffer], Row>(
      `SELECT ${columns} FROM changes c LEFT JOIN aside_changes a ON a.change = c.position WHERE c.digest = ?`,
    )
    .all(Buffer.from(digits, 'hex'))
}

async function foundIn(context: FeedContext, rows: Row[]): Promise<FoundChange[]> {
  const found: FoundChange[] = []
  for (const row of rows) {
    const { change, batch } = await textOf(context, row)
    const { state, code, message } = row
    found.push({ change, digest: row.digest.toString('hex'), batch, state, code, message })
  }
  return found
}
