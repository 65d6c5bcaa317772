import type { ServerStore } from './open-store.ts'
import type { StateEntry } from './read-states.ts'
import { atPlace, recordPlace } from './record-place.ts'

interface Shown {
  state: string
  conflict: number
  digest: Buffer | null
  into: string | null
}

/** Whether a record shows just now what this entry of the feed says. */
export function isShownNow(store: ServerStore, { model, pk, state, digest, conflict, into }: StateEntry): boolean {
  const now = store.$client
    .prepare<[number, string, string], Shown>(
      `SELECT r.state, r.conflict, c.digest, m.pk "into" FROM records r LEFT JOIN changes c ON c.position = r.shown
       LEFT JOIN records m ON m.ordinal = r.canonical WHERE r.ordinal = (SELECT ordinal FROM records WHERE ${atPlace})`,
    )
    .get(...recordPlace(model, pk))
  if (!now) return false
  if (now.into !== null || state === 'merged') return state === 'merged' && now.into === into
  const shows = now.digest?.toString('hex') ?? null
  // A record of which a person discarded all shows nothing.
  if (shows === null || digest === null) return shows === digest
  return shows === digest && (now.state === 'deleted') === (state === 'deleted') && (now.conflict === 1) === conflict
}
