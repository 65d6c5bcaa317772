import type { OpenLine } from '../protocol/requisition-line.ts'
import { isDrawn, isExpected } from './is-drawn.ts'
import { compareKeys, type Expectation, type KnownLine, keyOf } from './known-line.ts'
import { labelOf } from './read-scan.ts'
import { compareTubes, LineStory, type Tube } from './tube.ts'

const ranks: Record<Expectation, number> = { expected: 0, changed: 1, notDrawn: 2 }

/** The lines of one laptop in a handover, found by key and by label. Nobody may change it. */
export interface KnownLines {
  byKey: Map<string, KnownLine>
  byLabel: Map<string, KnownLine>
  /** The tubes of the lines that are expected, by key, as they are while nobody has said anything of them; in their order. */
  waiting: Map<string, Tube>
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
  return { byKey, byLabel, waiting: waitingOf(byKey.values()) }
}

function waitingOf(lines: Iterable<KnownLine>): Map<string, Tube> {
  const waiting: Array<[string, Tube]> = []
  for (const known of lines) {
    const tube = new LineStory(known).tube()
    if (tube) waiting.push([known.key, tube])
  }
  return new Map(waiting.sort(([, a], [, b]) => compareTubes(a, b)))
}

function expectationOf(line: OpenLine, handover: string): Expectation {
  if (isExpected(line, handover)) return 'expected'
  return line.handedOver !== null && isDrawn(line) ? 'changed' : 'notDrawn'
}

function isBefore(a: KnownLine, b: KnownLine): boolean {
  const ranked = ranks[a.expectation] - ranks[b.expectation]
  return ranked === 0 ? compareKeys(a.line, b.line) < 0 : ranked < 0
}
