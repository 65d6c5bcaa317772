import type { Handover, HandoverHead, HandoverLine } from '../protocol/handover.ts'
import type { OpenLine } from '../protocol/requisition-line.ts'
import { keyOf } from '../specimens/known-line.ts'
import { type KnownLines, knowLines } from '../specimens/known-lines.ts'
import { type Reconciled, reconcile } from '../specimens/reconcile.ts'
import { compareTubes, type Tube } from '../specimens/tube.ts'
import type { DeskParts } from './desk-parts.ts'
import type { Revision } from './document-book.ts'
import type { KnownHandover } from './handover-book.ts'
import { newestOf } from './signed.ts'

/** How data and tubes agree as far as this laptop knows now. */
export function reconcileNow(parts: DeskParts, { head }: KnownHandover): Reconciled {
  const { context, acts, documents, remember } = parts
  const { id, giver } = head
  return remember(`reconciled ${id}`, () => {
    const toldElsewhere = placesToldIn(newestOf(documents.of(id).revisions))
    return reconcile({
      known: knownLines(parts, head),
      findElsewhere: (label) => context.findElsewhere(label, giver) ?? toldElsewhere.get(label),
      acts: acts.of(id),
    })
  })
}

function knownLines({ context, rememberLines }: DeskParts, { id, giver }: HandoverHead): KnownLines {
  return rememberLines(`known ${id}`, () => knowLines(context.linesOf(giver, id), id))
}

/** The tubes of a closed handover, as its revision says; what lines this laptop still has make them readable. */
export function tubesWritten(parts: DeskParts, handover: Handover): Tube[] {
  const { byKey } = knownLines(parts, handover)
  const tubes = handover.lines.map((written): Tube => {
    const { state, tubes, counted, reason, text } = written
    const line = byKey.get(keyOf(written))?.line ?? bareLine(written)
    return {
      ...{ line, label: written.requisition ?? written.pk, state, tubes, counted, reason, text, elsewhere: null },
    }
  })
  const strays = handover.strays.map(({ label, state, device, reason, text }): Tube => {
    const elsewhere = device === null ? null : { device, line: null }
    return { line: null, label, state, tubes: null, counted: null, reason, text, elsewhere }
  })
  return [...tubes, ...strays].sort(compareTubes)
}

/** Only the driver's laptop has the other laptops' lines: the assistant's knows of them what a revision told. */
function placesToldIn(revisions: Revision[]): Map<string, { device: string; line: null }> {
  const strays = revisions.flatMap(({ handover }) => handover.strays)
  return new Map(strays.flatMap(({ label, device }) => (device === null ? [] : [[label, { device, line: null }]])))
}

function bareLine({ model, pk, requisition, changeId, tubes }: HandoverLine): OpenLine {
  return {
    ...{ model, pk, requisition, changeId, action: 'update', fields: tubes === null ? {} : { tubes } },
    ...{ handedOver: null, doubtful: false },
  }
}
