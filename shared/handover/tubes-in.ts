import type { Handover } from '../protocol/handover.ts'

/** How many tubes of the giver's lines were in the hand, as a revision says. */
export function tubesIn({ lines }: Handover): number {
  const inHand = lines.filter(({ state }) => state === 'present' || state === 'changed' || state === 'notDrawn')
  return inHand.reduce((sum, { counted }) => sum + (counted ?? 0), 0)
}
