import type { LineKey } from '../protocol/handover.ts'
import { keyOf } from '../specimens/known-line.ts'
import type { DeskParts } from './desk-parts.ts'
import type { KnownHandover } from './handover-book.ts'
import { reconcileNow } from './reconcile-now.ts'
import { signingOf } from './signed.ts'

/** No more drivers are at one laptop at once. */
const mostAtOnce = 4

type Said = LineKey & { changeId: string }

/**
 * Gives the function that tells in which other driver's handover a tube is in the hand as well: two drivers were here at once, and
 * both scanned it. Only the assistant's laptop can know.
 */
export function alsoWith(parts: DeskParts, { head }: KnownHandover): (line: Said) => string | undefined {
  if (parts.context.side !== 'giver') return () => undefined
  const takers = parts.remember(`also ${head.id}`, () => {
    const others = parts.handovers.newest(mostAtOnce).filter((other) => other.head.taker !== head.taker)
    return new Map(others.flatMap((other) => inHand(parts, other).map((line) => [nameOf(line), other.head.taker])))
  })
  return (line) => takers.get(nameOf(line))
}

/** As it is now, or as it was signed. */
function inHand(parts: DeskParts, known: KnownHandover): Said[] {
  if (!known.isClosed)
    return reconcileNow(parts, known).tubes.flatMap(({ line, counted }) => (line && counted ? [line] : []))
  const [settled] = signingOf(known.head, parts.documents.of(known.head.id)).standing
  return settled?.handover.lines.filter(({ counted }) => counted) ?? []
}

/** A record that has changed since is another one: its tube may well come again. */
function nameOf(line: Said): string {
  return `${keyOf(line)} ${line.changeId}`
}
