import type { HandoverSignature } from '../protocol/handover.ts'
import { ageOf } from '../specimens/minutes-left.ts'
import { countTubes, type Reconciled } from '../specimens/reconcile.ts'
import type { Tube } from '../specimens/tube.ts'
import { contentDigest, contentOf } from './content.ts'
import type { HandoverView, ShownRevision, ShownTube } from './desk.ts'
import type { DeskParts } from './desk-parts.ts'
import type { Written } from './document-book.ts'
import type { KnownHandover } from './handover-book.ts'
import { reconcileNow, tubesWritten } from './reconcile-now.ts'
import { signingOf } from './signed.ts'

/** A handover as the pages show it. @param reconciled what was worked out just now @throws NOT_FOUND */
export function viewOf(parts: DeskParts, id: string, reconciled?: Reconciled): HandoverView {
  const known = parts.handovers.get(id)
  const { head, isClosed, isWiped } = known
  if (isWiped) for (const book of [parts.acts, parts.documents]) book.forget(id)
  const written = parts.documents.of(id)
  const { signed, standing } = signingOf(head, written)
  const [settled] = isClosed ? standing : []
  const now = settled || isWiped ? undefined : (reconciled ?? reconcileNow(parts, known))
  const tubes = now?.tubes ?? (settled ? tubesWritten(parts, settled.handover) : [])
  const heard = parts.heard.get(id)
  return {
    ...head,
    ...{ giverName: nameOf(parts, head.giver), takerName: nameOf(parts, head.taker) },
    tubes: tubes.map((tube) => shownTube(parts, head.giver, tube)),
    counts: countTubes(tubes),
    temperature: now ? now.temperature : (settled?.handover.temperature ?? null),
    question: now && !isClosed ? questionOf(parts, known, now) : null,
    ...{ signed, revisions: shownRevisions(written), isClosed },
    isChangedSince:
      now !== undefined &&
      !isClosed &&
      standing.length > 0 &&
      !standing.some(({ content }) => content === said(parts, id, now)),
    ...{ heardAt: heard?.at ?? null, otherPerson: heard?.person ?? null },
  }
}

/** A tube as a page shows it, with times brought to this laptop's clock. */
export function shownTube({ context }: DeskParts, giver: string, tube: Tube): ShownTube {
  const line = tube.line ?? tube.elsewhere?.line ?? null
  const device = tube.elsewhere?.device
  const age = line && ageOf(line, context.clock.now(), context.clockOffset(device ?? giver))
  const { state, tubes, counted, reason, text } = tube
  return {
    line: tube.line && { model: tube.line.model, pk: tube.line.pk },
    ...{ label: tube.label, subject: textOf(line?.fields.subject), panel: textOf(line?.fields.panel) },
    ...{ specimenType: textOf(line?.fields.specimenType), state, tubes, counted },
    ...{ isShort: state === 'present' && tubes !== null && counted !== tubes, reason, text },
    laptop: device === undefined ? null : nameOf({ context }, device),
    ...(age ?? { drawnAt: null, minutesLeft: null, doubtful: false }),
  }
}

/** The question that waits on this laptop: why a tube is missing, or how many labels are in the hand. */
function questionOf(parts: DeskParts, { head, asking }: KnownHandover, now: Reconciled): HandoverView['question'] {
  const missing = asking && now.tubeOf(asking)
  if (missing?.state === 'notYetScanned') return { ask: 'reason', tube: shownTube(parts, head.giver, missing) }
  const last = now.lastScan(parts.context.device)
  return last?.isAgain ? { ask: 'count', tube: shownTube(parts, head.giver, last.tube) } : null
}

function said({ acts }: DeskParts, id: string, now: Reconciled): string {
  return contentDigest(contentOf(now, acts.of(id)))
}

/** The newest first; of several signatures that differ only in being verified, the one that is. */
function shownRevisions({ revisions, signatures }: Written): ShownRevision[] {
  return revisions.toReversed().map(({ digest, handover }) => {
    const best = new Map<string, HandoverSignature>()
    for (const { signature } of signatures.filter(({ signature }) => signature.handover === digest)) {
      const name = JSON.stringify([signature.by, signature.person, signature.agrees, signature.remark])
      if (!best.get(name)?.verified) best.set(name, signature)
    }
    return { digest, handover, signatures: [...best.values()] }
  })
}

/** What the study calls a laptop. */
export function nameOf({ context }: Pick<DeskParts, 'context'>, device: string): string {
  const { devices } = context.shelf.document
  return (Object.hasOwn(devices, device) ? devices[device]?.name : undefined) ?? device.slice(0, 8)
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null || value === '' ? null : String(value)
}
