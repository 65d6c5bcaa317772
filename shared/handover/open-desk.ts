import { newNonce } from '../crypto/digest.ts'
import type { HandoverExchange, HandoverHead } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'
import type { HandoverDesk } from './desk.ts'
import type { DeskContext } from './desk-context.ts'
import { type DeskParts, openParts } from './desk-parts.ts'
import { doAct } from './do-act.ts'
import { answerExchange, askExchange, takeAnswer } from './exchange.ts'
import { partnersOf } from './partners.ts'
import { givePin, shiftOf, takeShift } from './shift.ts'
import { viewOf } from './show.ts'
import { signHandover } from './sign-handover.ts'
import { signingOf } from './signed.ts'

/** A desk, and what the program that it belongs to does with it. */
export interface Desk extends HandoverDesk {
  /** The taker's question; `lines` is null. @throws NOT_FOUND */
  ask(id: string): HandoverExchange
  /**
   * The giver's answer, when all that it took is on disk; the program fills `lines` in. What was not taken goes to `context.refused`.
   * @param from the device that asks, as its certificate says
   * @throws BAD_REQUEST, ROLE_REFUSED
   */
  answer(from: string, told: HandoverExchange): Promise<HandoverExchange>
  /** The taker takes the answer. @returns what was not taken, and why @throws NOT_FOUND, BAD_REQUEST, ROLE_REFUSED */
  take(id: string, from: string, told: HandoverExchange): Promise<WaybillError[]>
  /** On the driver's laptop, what is to be asked about: open, or the other does not know its end yet. Else what is open. */
  open(): HandoverHead[]
  /** The program erased these handovers from the disk: nothing of them stays in memory. */
  forget(ids: string[]): void
}

/** Opens the desk of a program. Only one is open on a database. */
export function openDesk(context: DeskContext): Desk {
  const parts = openParts(context)
  const { handovers } = parts
  let turn: Promise<unknown> = Promise.resolve()
  return {
    side: context.side,
    study: () => context.shelf.document,
    reasons: () => context.shelf.document.reasons,
    partners: () => partnersOf(parts),
    begin: (device) => begin(parts, device),
    view: (id) => viewOf(parts, id),
    act: (id, asked) => doAct(parts, id, asked),
    sign: async (id, asked) => {
      // One after the other: a person who presses twice writes one revision down.
      const signing = turn.then(() => signHandover(parts, id, asked))
      turn = signing.catch(() => undefined)
      await signing
      return viewOf(parts, id)
    },
    close: (id) => {
      close(parts, id)
      return viewOf(parts, id)
    },
    shift: () => shiftOf(parts),
    takeShift: (person) => takeShift(parts, person),
    setPin: (pin, old) => givePin(parts, pin, old),
    ask: (id) => askExchange(parts, id),
    answer: (from, told) => answerExchange(parts, from, told),
    take: (id, from, told) => takeAnswer(parts, id, from, told),
    open: () => (context.side === 'taker' ? handovers.untold() : handovers.open()).map(({ head }) => head),
    forget: (ids) => forget(parts, ids),
  }
}

function begin({ context, handovers, log }: DeskParts, device: string): string {
  if (context.side !== 'taker') throw new WaybillError('ROLE_REFUSED', 'the driver begins a handover')
  const [open] = handovers.openBetween(device, context.device)
  if (open) return open.head.id
  if (!context.partners().includes(device))
    throw new WaybillError('NOT_FOUND', `laptop ${device.slice(0, 8)} is not here today`)
  const head = { id: newNonce(), giver: device, taker: context.device, began: context.clock.now().toISOString() }
  context.client
    .transaction(() => {
      handovers.add(head)
      log.add('begin', log.onShift(), head.id)
    })
    .immediate()
  context.tell()
  return head.id
}

function forget({ acts, documents, heard, compared, context }: DeskParts, ids: string[]): void {
  for (const id of ids) for (const book of [acts, documents]) book.forget(id)
  for (const id of ids) for (const known of [heard, compared]) known.delete(id)
  if (ids.length > 0) context.tell()
}

function close({ context, handovers, documents, log }: DeskParts, id: string): void {
  const { head, isClosed } = handovers.get(id)
  if (context.side !== 'taker') throw new WaybillError('ROLE_REFUSED', 'the driver ends a handover')
  if (isClosed) return
  if (signingOf(head, documents.of(id)).signed === 'no')
    throw new WaybillError('BAD_REQUEST', 'a handover that nobody has signed cannot be ended')
  context.client
    .transaction(() => {
      handovers.end(id, context.clock.now().toISOString())
      log.add('close', log.onShift(), id)
    })
    .immediate()
  context.tell()
}
