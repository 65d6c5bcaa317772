import { type Act, mostLines } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'
import { mostOwnActs } from './check-act.ts'
import { mostContentBytes, saidIn, sizeOf } from './content.ts'
import { decide } from './decide.ts'
import type { Answer, Asked } from './desk.ts'
import type { DeskParts } from './desk-parts.ts'
import type { KnownHandover } from './handover-book.ts'
import { reconcileNow } from './reconcile-now.ts'
import { shownTube, viewOf } from './show.ts'

/**
 * Does what a person asks for; it is on disk when this returns.
 * @throws NOT_FOUND, BAD_REQUEST, HANDOVER_CLOSED, HANDOVER_FULL
 */
export function doAct(parts: DeskParts, id: string, asked: Asked): Answer {
  const { context, handovers, acts } = parts
  const known = handovers.get(id)
  if (known.isClosed) throw new WaybillError('HANDOVER_CLOSED', `handover ${id.slice(0, 8)} is closed`)
  const before = reconcileNow(parts, known)
  const { device, shelf } = context
  const { told, deed, asking, find } = decide(
    { device, now: before, acts: acts.of(id), reasons: shelf.document.reasons, asking: known.asking },
    asked,
  )
  const done: Act[] = deed
    ? [{ ...acts.next(id, device), device, at: now(parts), person: parts.log.onShift(), deed }]
    : []
  if (done.length > 0) checkRoom(parts, known, before)
  acts.put(id, done, () => handovers.ask(id, asking))
  const after = reconcileNow(parts, known)
  const tube = find(after)
  context.tell()
  return { told, tube: tube ? shownTube(parts, known, tube) : null, view: viewOf(parts, id) }
}

/** What a revision cannot hold is not begun: what is signed says everything. */
function checkRoom(
  { acts, context }: DeskParts,
  { head }: KnownHandover,
  before: ReturnType<typeof reconcileNow>,
): void {
  const content = { ...saidIn(before), acts: acts.of(head.id) }
  const { said, strays } = content
  const isFull =
    (acts.seen(head.id)[context.device] ?? 0) >= mostOwnActs ||
    said.length >= mostLines ||
    strays.length >= mostLines ||
    sizeOf(content) > mostContentBytes
  if (isFull) throw new WaybillError('HANDOVER_FULL', `handover ${head.id.slice(0, 8)} is full`)
}

function now({ context }: DeskParts): string {
  return context.clock.now().toISOString()
}
