import { type Desk, openDesk } from '../shared/handover/open-desk.ts'
import type { Logger } from '../shared/service/logger.ts'
import { Changes } from '../shared/web/changes.ts'
import { deskContext } from './desk-context.ts'
import type { MeetContext } from './meet.ts'
import { linesDigester } from './served-lines.ts'

/** What the pages and doors of a field laptop share of handovers. */
export interface FieldHandover {
  changes: Changes
  tubes: Changes
  desk: Desk
  linesDigest(): string
}

/** Opens the desk of this laptop. What becomes of tubes also changes what the page says of the journey. */
export function openHandover(context: MeetContext & { logger: Logger }): FieldHandover {
  const [changes, tubes] = [new Changes(), new Changes()]
  const { logger } = context
  const told = deskContext(
    context,
    () => tubes.tell(),
    ({ code, message }) => logger.warn({ code }, message),
  )
  return { changes, tubes, desk: openDesk(told), linesDigest: linesDigester(context) }
}
