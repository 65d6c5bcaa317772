import { isExpected } from '../specimens/is-drawn.ts'
import type { Partner } from './desk.ts'
import type { DeskParts } from './desk-parts.ts'
import type { KnownHandover } from './handover-book.ts'
import { reconcileNow } from './reconcile-now.ts'
import { nameOf } from './show.ts'
import { signingOf } from './signed.ts'

/** Handovers that are shown though they are closed. */
const mostRecent = 50

/**
 * The driver's laptop: the laptops of today, and those with which a handover is open. The assistant's: whoever began one here lately.
 */
export function partnersOf(parts: DeskParts): Partner[] {
  const { context, handovers } = parts
  const isTaker = context.side === 'taker'
  const newest = new Map<string, KnownHandover>()
  for (const known of [...handovers.open(), ...handovers.newest(mostRecent)]) {
    const other = isTaker ? known.head.giver : known.head.taker
    if (!newest.has(other)) newest.set(other, known)
  }
  const open = [...newest].flatMap(([device, { isClosed }]) => (isClosed ? [] : [device]))
  const devices = isTaker ? new Set([...context.partners(), ...open]) : new Set(newest.keys())
  return [...devices].map((device) => partner(parts, device, newest.get(device)))
}

function partner(parts: DeskParts, device: string, known: KnownHandover | undefined): Partner {
  const { context, documents } = parts
  const giver = context.side === 'taker' ? device : context.device
  const isOpen = known !== undefined && !known.isClosed
  return {
    ...{ device, name: nameOf(parts, device) },
    expected: context.linesOf(giver).filter((line) => isExpected(line)).length,
    open: isOpen ? known.head : null,
    counts: isOpen ? reconcileNow(parts, known).counts : null,
    signed: known ? signingOf(known.head, documents.of(known.head.id)).signed : 'no',
  }
}
