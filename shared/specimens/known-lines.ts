import type { LineKey } from '../protocol/handover.ts'
import type { OpenLine } from '../protocol/requisition-line.ts'
import { isDrawn, isExpected } from './is-drawn.ts'
import { labelOf } from './read-scan.ts'

/** How a line stands before anybody has said anything of its tube. */
export type Expectation = 'expected' | 'changed' | 'notDrawn'

/** A line of the giver's, and how it stands. */
export interface KnownLine {
  line: OpenLine
  key: string
  expectation: Expectation
}

const ranks: Record<Expectation, number> = { expected: 0, changed: 1, notDrawn: 2 }

/** The lines of one laptop in a handover, found by key and by label. */
export interface KnownLines {
  byKey: Map<string, KnownLine>
  byLabel: Map<string, KnownLine>
}

/** Where two lines bear one identifier, a label is of the one that is expected, and else of the first by model and pk. */
export function knowLines(lines: OpenLine[], handover: string): KnownLines {
  const byKey = new Map<string, KnownLine>()
  const byLabel = new Map<string, KnownLine>()
  for (const line of lines)
    byKey.set(keyOf(line), { line, key: keyOf(line), expectation: expectationOf(line, handover) })
  for (const known of byKey.values()) {
    const label = labelOf(known.line.requisition ?? '')
    const other = byLabel.get(label)
    if (label !== '' && (!other || isBefore(known, other))) byLabel.set(label, known)
  }
  return { byKey, byLabel }
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

function expectationOf(line: OpenLine, handover: string): Expectation {
  if (isExpected(line, handover)) return 'expected'
  return line.handedOver !== null && isDrawn(line) ? 'changed' : 'notDrawn'
}

function isBefore(a: KnownLine, b: KnownLine): boolean {
  const ranked = ranks[a.expectation] - ranks[b.expectation]
  return ranked === 0 ? compareKeys(a.line, b.line) < 0 : ranked < 0
}
