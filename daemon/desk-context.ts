import { deviceOf, signerOf } from '../shared/crypto/identity.ts'
import type { DeskContext } from '../shared/handover/desk-context.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import { databaseStateOf } from '../shared/storage/database-state.ts'
import { closeLines } from './close-lines.ts'
import type { MeetContext } from './meet.ts'
import { ownLines } from './served-lines.ts'

/** What this field laptop gives its desk: its own lines. The driver begins; no other laptop's lines are here. */
export function deskContext(
  context: MeetContext,
  tell: () => void,
  refused: (error: WaybillError) => void,
): DeskContext {
  const { store, identity, trust, shelf, clock } = context
  const device = deviceOf(identity)
  const databaseState = databaseStateOf(store.$client)
  return {
    side: 'giver',
    ...{ device, client: store.$client, trust, signer: signerOf(identity), shelf, clock, tell, refused },
    state: () => `${databaseState()} ${shelf.digest}`,
    partners: () => [],
    linesOf: (giver, handover) => (giver === device ? ownLines(context, handover) : []),
    findElsewhere: () => undefined,
    clockOffset: () => 0,
    onSigned: (handover) => closeLines(store, handover, shelf.document),
  }
}
