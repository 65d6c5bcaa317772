import { type Desk, openDesk } from '../shared/handover/open-desk.ts'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import type { Logger } from '../shared/service/logger.ts'
import { remembering } from '../shared/storage/remember.ts'
import { Changes } from '../shared/web/changes.ts'
import { deskContext } from './desk-context.ts'
import type { MeetContext } from './meet.ts'
import { digestOfServed, linesStateOf, ownLines } from './served-lines.ts'

/** What the pages and doors of a field laptop share of handovers. */
export interface FieldHandover {
  changes: Changes
  tubes: Changes
  desk: Desk
  /** The open lines, as they are served. */
  openLines(): OpenLine[]
  /** The sha-256 of the lines as served. */
  linesDigest(): string
}

/** Opens the desk of this laptop. What becomes of tubes also changes what the page says of the journey. */
export function openHandover(context: MeetContext & { logger: Logger }): FieldHandover {
  const [changes, tubes] = [new Changes(), new Changes()]
  const { logger, store } = context
  const linesState = linesStateOf(context)
  const remember = remembering(store.$client, linesState, 2)
  const openLines = () => remember('lines', () => ownLines(context))
  const told = deskContext(context, {
    linesState,
    openLines,
    tell: () => tubes.tell(),
    refused: ({ code, message }) => logger.warn({ code }, message),
  })
  return {
    ...{ changes, tubes, desk: openDesk(told), openLines },
    linesDigest: () => remember('digest', () => digestOfServed(context)),
  }
}
