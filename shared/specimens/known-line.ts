import type { LineKey } from '../protocol/handover.ts'
import type { OpenLine } from '../protocol/requisition-line.ts'

/** How a line stands before anybody has said anything of its tube. */
export type Expectation = 'expected' | 'changed' | 'notDrawn'

/** A line of the giver's, and how it stands. */
export interface KnownLine {
  line: OpenLine
  key: string
  expectation: Expectation
}

/** A text that no other line has: either part may hold any character. */
export function keyOf({ model, pk }: LineKey): string {
  return `${model.length} ${model} ${pk}`
}

/** Code units, as both laptops order them. */
export function compareKeys(a: LineKey, b: LineKey): number {
  if (a.model !== b.model) return a.model < b.model ? -1 : 1
  return a.pk === b.pk ? 0 : a.pk < b.pk ? -1 : 1
}
