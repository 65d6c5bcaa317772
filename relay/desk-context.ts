import { and, eq, ne } from 'drizzle-orm'
import type { DeskContext } from '../shared/handover/desk-context.ts'
import { databaseStateOf, tableStateOf } from '../shared/storage/database-state.ts'
import { clockOffset } from './clock-offsets.ts'
import { closeLines } from './close-lines.ts'
import { findElsewhere, laptopsWithLines, linesOf } from './handover-lines.ts'
import type { Hold } from './open-store.ts'
import { peers } from './schema.ts'

/** What this relay gives its desk: the lines aboard, the laptops near, and what their clocks say. */
export function deskContext(hold: Hold): DeskContext {
  const { store, device, trust, signer, shelf, clock, logger } = hold
  const databaseState = databaseStateOf(store.$client)
  const linesState = tableStateOf(store.$client, ['lines'])
  return {
    side: 'taker',
    ...{ device, client: store.$client, trust, signer, shelf, clock },
    state: () => `${databaseState()} ${shelf.digest}`,
    linesState: () => `${linesState()} ${shelf.digest}`,
    partners: () => [...new Set([...laptopsWithLines(store), ...laptopsNear(hold)])],
    linesOf: (giver, handover) => linesOf(store, giver, handover),
    findElsewhere: (label, giver) => findElsewhere(store, label, giver),
    clockOffset: (giver) => clockOffset(hold, giver),
    onSigned: (handover) => closeLines(store, handover, shelf.document),
    tell: () => hold.tubes.tell(),
    refused: ({ code, message }) => logger.warn({ code }, message),
  }
}

function laptopsNear({ store }: Hold): string[] {
  return store
    .select()
    .from(peers)
    .where(and(eq(peers.role, 'field'), ne(peers.state, 'gone')))
    .all()
    .map(({ device }) => device)
}
