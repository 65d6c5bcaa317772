import { WaybillError } from '../shared/service/errors.ts'
import { incarnation } from './incarnation.ts'
import type { ServerStore } from './open-store.ts'

/** This life of the server, as cursors name it. */
export function lifeOf(store: ServerStore): string {
  const { number, nonce } = incarnation(store)
  return `${number}-${nonce.slice(0, 8)}`
}

/**
 * The place after which a feed goes on; an empty cursor is the beginning.
 * @throws BAD_REQUEST for what is no cursor; CURSOR_FOREIGN for one of another life of this server, naming where to start again
 */
export function positionOf(store: ServerStore, cursor: string, feed: 'changes' | 'states'): number {
  if (cursor === '') return 0
  const parts = /^(\d+-[0-9a-f]{8})\.(\d{1,15})$/.exec(cursor)
  if (!parts) throw new WaybillError('BAD_REQUEST', 'cursor: not one that this server gave')
  const position = Number(parts[2])
  const { newest } = store.$client
    .prepare<[], { newest: number | null }>(`SELECT max(position) newest FROM ${feed}`)
    .get() ?? { newest: null }
  if (parts[1] === lifeOf(store) && position <= (newest ?? 0)) return position
  throw new WaybillError(
    'CURSOR_FOREIGN',
    `cursor: of another life of this server, which was restored; start again at ${lifeOf(store)}.0`,
  )
}
