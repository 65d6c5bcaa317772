import { eq } from 'drizzle-orm'
import { emptyLog } from '../shared/storage/empty-log.ts'
import type { Hold, RelayStore } from './open-store.ts'
import { facts } from './schema.ts'
import { factOf } from './store-lines.ts'

const dirtyLog = 'wipedNotErased'

/** Whether another handover with the laptop still needs its lines. */
const isOthers = `EXISTS (SELECT 1 FROM desk_handovers o WHERE o.giver = h.giver AND o.id != h.id
  AND (o.closed = 0 OR EXISTS (SELECT 1 FROM lines WHERE closedBy = o.id)))`

interface Due {
  id: string
  giver: string
  /** The laptop has all that was signed: nobody needs it from here. */
  told: number
}

/**
 * Erases what this relay needs no more: the lines of a laptop, once the handover with it is closed, every batch of that laptop aboard
 * is delivered, and a server has signed for all that people signed; the handover's acts and revisions, once the laptop has them as
 * well: one that was dead while the driver signed alone would expect its tubes for ever. Signatures and receipts stay. Nothing
 * of what is erased is left in the database's files, as soon as no other program reads them.
 * @returns the handovers of which acts and revisions were erased
 */
export function wipeLines(hold: Hold): string[] {
  const due = dueHandovers(hold)
  for (const one of due) wipe(hold, one)
  const name = eq(facts.name, dirtyLog)
  const isDirty = hold.store.select().from(facts).where(name).get() !== undefined
  if (isDirty && emptyLog(hold.store.$client)) hold.commit((store) => store.delete(facts).where(name).run())
  return due.flatMap(({ id, told }) => (told === 1 ? [id] : []))
}

function dueHandovers({ store }: Hold): Due[] {
  return store.$client
    .prepare<[], Due>(
      `SELECT id, giver, told FROM desk_handovers h WHERE closed = 1 AND wiped = 0
         AND (told = 1 OR EXISTS (SELECT 1 FROM lines l WHERE l.producer = h.giver AND (l.closedBy = h.id OR NOT ${isOthers})))
         AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.producer = h.giver AND m.state IN ('aboard', 'forwarded'))
         AND NOT EXISTS (SELECT 1 FROM desk_signatures s WHERE s.handover = h.id AND s.receipt IS NULL)
         AND NOT EXISTS (SELECT 1 FROM desk_revisions r WHERE r.handover = h.id AND r.receipt IS NULL)`,
    )
    .all()
}

/** One transaction. The laptop's lines go with its last handover here; what it serves then is taken again when it is met. */
function wipe({ commit }: Hold, { id, giver, told }: Due): void {
  commit((store) => {
    const client = store.$client
    if (told === 1) eraseHandover(store, id)
    const isLast = !client.prepare(`SELECT 1 FROM desk_handovers h WHERE h.id = ? AND ${isOthers}`).get(id)
    client
      .prepare(`DELETE FROM lines WHERE producer = ? ${isLast ? '' : 'AND closedBy = ?'}`)
      .run(...(isLast ? [giver] : [giver, id]))
    client.prepare('DELETE FROM facts WHERE name = ?').run(factOf(giver))
    client.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES (?, '1')").run(dirtyLog)
  })
}

function eraseHandover({ $client: client }: RelayStore, id: string): void {
  client.prepare('DELETE FROM desk_acts WHERE handover = ?').run(id)
  client.prepare('DELETE FROM desk_revisions WHERE handover = ?').run(id)
  client.prepare('UPDATE desk_handovers SET wiped = 1, asking = NULL WHERE id = ?').run(id)
}
