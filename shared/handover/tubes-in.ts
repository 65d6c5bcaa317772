import { type Handover, type HandoverLine, type TubeState, tubeStates } from '../protocol/handover.ts'

/** How many tubes of the giver's lines are in the hand: a line may have several. What is on no line of the giver's has no count. */
export function tubesIn(lines: Iterable<Pick<HandoverLine, 'state' | 'counted'>>): number {
  const inHand = [...lines].filter(({ state }) => state === 'present' || state === 'changed' || state === 'notDrawn')
  return inHand.reduce((sum, { counted }) => sum + (counted ?? 0), 0)
}

/** How many lines and labels of each state a revision tells of. */
export function countsIn({ lines, strays }: Handover): Record<TubeState, number> {
  const counts = Object.fromEntries(tubeStates.map((state) => [state, 0])) as Record<TubeState, number>
  for (const { state } of [...lines, ...strays]) counts[state] += 1
  return counts
}
