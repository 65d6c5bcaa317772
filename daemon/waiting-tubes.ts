import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import { isExpected } from '../shared/specimens/is-drawn.ts'
import { ageOf } from '../shared/specimens/minutes-left.ts'
import { tubesOf } from '../shared/specimens/tubes-of.ts'

/** A page shows no more; the rest is a number. */
const mostTubes = 200

/** A tube that waits for a driver. */
export interface WaitingTube {
  line: { model: string; pk: string }
  label: string
  subject: string | null
  panel: string | null
  specimenType: string | null
  tubes: number | null
  drawnAt: string | null
  minutesLeft: number | null
  doubtful: boolean
}

/** The tubes that were drawn here and went with nobody yet: how many, and those that have waited longest. */
export function waitingTubes(lines: Iterable<OpenLine>, now: Date): { total: number; tubes: WaitingTube[] } {
  const waiting = [...lines].filter((line) => isExpected(line)).map((line) => waitingTube(line, now))
  // A time that nobody knows may be the oldest.
  const sorted = waiting.sort((a, b) => ((a.drawnAt ?? '') < (b.drawnAt ?? '') ? -1 : 1))
  return { total: waiting.length, tubes: sorted.slice(0, mostTubes) }
}

function waitingTube(line: OpenLine, now: Date): WaitingTube {
  const { model, pk, requisition, fields } = line
  const text = (value: unknown) => (value === undefined || value === null || value === '' ? null : String(value))
  return {
    ...{ line: { model, pk }, label: requisition ?? pk, tubes: tubesOf(line) },
    ...{ subject: text(fields.subject), panel: text(fields.panel), specimenType: text(fields.specimenType) },
    ...ageOf(line, now, 0),
  }
}
