import type { HandoverSignature } from '../protocol/handover.ts'
import { ageOf } from '../specimens/minutes-left.ts'
import { countTubes, type Reconciled } from '../specimens/reconcile.ts'
import type { Tube } from '../specimens/tube.ts'
import { alsoWith } from './also-with.ts'
import { contentDigest, contentOf } from './content.ts'
import type { HandoverView, ShownRevision, ShownTube } from './desk.ts'
import type { DeskParts } from './desk-parts.ts'
import type { Revision, Written } from './document-book.ts'
import type { KnownHandover } from './handover-book.ts'
import { reconcileNow, tubesWritten } from './reconcile-now.ts'
import { bestOf, signingOf } from './signed.ts'

/** Nobody reads more; a scan finds every other one as well. */
const mostWaiting = 500

/** A handover as the pages show it. @throws NOT_FOUND */
export function viewOf(parts: DeskParts, id: string): HandoverView {
  const known = parts.handovers.get(id)
  const { head, isClosed, isWiped } = known
  if (isWiped) for (const book of [parts.acts, parts.documents]) book.forget(id)
  const written = parts.documents.of(id)
  const { signed, standing, isDisputed } = signingOf(head, written)
  const [settled] = isClosed ? standing : []
  const now = settled || isWiped ? undefined : reconcileNow(parts, known)
  const tubes = now?.tubes ?? (settled ? tubesWritten(parts, settled.handover) : [])
  const heard = parts.heard.get(id)
  const listed = listedOf(tubes)
  const look = lookOf(parts, known)
  const signatures = bestOf(written.signatures.map(({ signature }) => signature))
  return {
    ...head,
    ...{ giverName: nameOf(parts, head.giver), takerName: nameOf(parts, head.taker) },
    tubes: listed.map((tube) => shownTube(parts, known, tube, look)),
    unlisted: tubes.length - listed.length,
    counts: countTubes(tubes),
    temperature: now ? now.temperature : (settled?.handover.temperature ?? null),
    question: now && !isClosed ? questionOf(parts, known, now) : null,
    ...{ signed, isDisputed, revisions: shownRevisions(written, signatures), isClosed },
    bareSignatures: signatures.filter(({ handover }) => !written.revisions.some(({ digest }) => digest === handover)),
    isChangedSince:
      now !== undefined &&
      !isClosed &&
      standing.length > 0 &&
      !standing.some((revision) => isStill(parts, id, revision, now)),
    ...{ heardAt: heard?.at ?? null, otherPerson: heard?.person ?? null },
  }
}

/** All but those not yet scanned that come after the first ones. */
function listedOf(tubes: Tube[]): Tube[] {
  let waiting = 0
  return tubes.filter(({ state }) => {
    if (state === 'notYetScanned') waiting += 1
    return state !== 'notYetScanned' || waiting <= mostWaiting
  })
}

/** A tube as a page shows it, with times brought to this laptop's clock. */
export function shownTube(
  parts: DeskParts,
  known: KnownHandover,
  tube: Tube,
  look: Look = lookOf(parts, known),
): ShownTube {
  const { context } = parts
  const line = tube.line ?? tube.elsewhere?.line ?? null
  const device = tube.elsewhere?.device
  const age = line && ageOf(line, context.clock.now(), look.offsetOf(device ?? known.head.giver))
  const other = tube.line && tube.counted !== null ? look.alsoWith(tube.line) : undefined
  const { state, tubes, counted, reason, text } = tube
  return {
    line: tube.line && { model: tube.line.model, pk: tube.line.pk },
    ...{ label: tube.label, subject: textOf(line?.fields.subject), panel: textOf(line?.fields.panel) },
    ...{ specimenType: textOf(line?.fields.specimenType), state, tubes, counted },
    ...{ isShort: state === 'present' && tubes !== null && counted !== tubes, reason, text },
    laptop: device === undefined ? null : nameOf({ context }, device),
    alsoWith: other === undefined ? null : nameOf({ context }, other),
    ...(age ?? { drawnAt: null, minutesLeft: null, doubtful: false }),
  }
}

/** What is looked up of many tubes. */
interface Look {
  offsetOf(device: string): number
  alsoWith: ReturnType<typeof alsoWith>
}

function lookOf(parts: DeskParts, known: KnownHandover): Look {
  return { offsetOf: offsetsOf(parts), alsoWith: alsoWith(parts, known) }
}

/** Each laptop's clock is asked for once, and not for every tube. */
function offsetsOf({ context }: DeskParts): (device: string) => number {
  const known = new Map<string, number>()
  return (device) => {
    const offset = known.get(device) ?? context.clockOffset(device)
    known.set(device, offset)
    return offset
  }
}

/** The question that waits on this laptop: why a tube is missing, or how many labels are in the hand. */
function questionOf(parts: DeskParts, known: KnownHandover, now: Reconciled): HandoverView['question'] {
  const missing = known.asking && now.tubeOf(known.asking)
  if (missing?.state === 'notYetScanned') return { ask: 'reason', tube: shownTube(parts, known, missing) }
  const last = now.lastScan(parts.context.device)
  return last?.isAgain ? { ask: 'count', tube: shownTube(parts, known, last.tube) } : null
}

/** Whether what a revision says would be written down now. Most often one number tells, and nobody waits for a digest. */
function isStill({ acts, remember }: DeskParts, id: string, { content, handover }: Revision, now: Reconciled): boolean {
  const saidBefore = handover.lines.filter(({ state }) => state !== 'notYetScanned').length + handover.strays.length
  const saidNow = now.tubes.length - now.counts.notYetScanned
  return saidBefore === saidNow && content === remember(`said ${id}`, () => contentDigest(contentOf(now, acts.of(id))))
}

/** The newest first. */
function shownRevisions({ revisions }: Written, signatures: HandoverSignature[]): ShownRevision[] {
  return revisions.toReversed().map(({ digest, handover }) => ({
    ...{ digest, handover },
    signatures: signatures.filter((signature) => signature.handover === digest),
  }))
}

/** What the study calls a laptop. */
export function nameOf({ context }: Pick<DeskParts, 'context'>, device: string): string {
  const { devices } = context.shelf.document
  return (Object.hasOwn(devices, device) ? devices[device]?.name : undefined) ?? device.slice(0, 8)
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null || value === '' ? null : String(value)
}
