import { deviceOf, signerOf } from '../shared/crypto/identity.ts'
import type { DeskContext } from '../shared/handover/desk-context.ts'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import { databaseStateOf } from '../shared/storage/database-state.ts'
import { closeLines } from './close-lines.ts'
import type { MeetContext } from './meet.ts'
import { ownLines } from './served-lines.ts'

/** What this field laptop gives its desk: its own lines. The driver begins; no other laptop's lines are here. */
export function deskContext(
  context: MeetContext,
  given: Pick<DeskContext, 'linesState' | 'tell' | 'refused'> & { openLines(): OpenLine[] },
): DeskContext {
  const { store, identity, trust, shelf, clock } = context
  const device = deviceOf(identity)
  const databaseState = databaseStateOf(store.$client)
  const { openLines, ...told } = given
  const linesOf = (handover?: string) => (handover === undefined ? openLines() : ownLines(context, handover))
  return {
    side: 'giver',
    ...{ device, client: store.$client, trust, signer: signerOf(identity), shelf, clock, ...told },
    state: () => `${databaseState()} ${shelf.digest}`,
    partners: () => [],
    linesOf: (giver, handover) => (giver === device ? linesOf(handover) : []),
    findElsewhere: () => undefined,
    clockOffset: () => 0,
    onSigned: (handover) => closeLines(store, handover, shelf.document),
  }
}
