import { eq } from 'drizzle-orm'
import { emptyLog } from '../shared/storage/empty-log.ts'
import type { Hold } from './open-store.ts'
import { facts } from './schema.ts'
import { factOf } from './store-lines.ts'

const dirtyLog = 'wipedNotErased'

interface Due {
  id: string
  giver: string
}

/**
 * Erases what this relay needs no more: the lines of a laptop, and the acts and revisions of a handover with it, once the handover is
 * closed, every batch of that laptop aboard is delivered, and a server has signed for all that people signed. Signatures and
 * receipts stay. Nothing of it is left in the database's files, as soon as no other program reads them.
 * @returns how many handovers were erased
 */
export function wipeLines(hold: Hold): number {
  const due = dueHandovers(hold)
  for (const one of due) wipe(hold, one)
  const name = eq(facts.name, dirtyLog)
  const isDirty = hold.store.select().from(facts).where(name).get() !== undefined
  if (isDirty && emptyLog(hold.store.$client)) hold.commit((store) => store.delete(facts).where(name).run())
  return due.length
}

function dueHandovers({ store }: Hold): Due[] {
  return store.$client
    .prepare<[], Due>(
      `SELECT id, giver FROM desk_handovers h WHERE closed = 1 AND wiped = 0
         AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.producer = h.giver AND m.state IN ('aboard', 'forwarded'))
         AND NOT EXISTS (SELECT 1 FROM desk_signatures s WHERE s.handover = h.id AND s.receipt IS NULL)
         AND NOT EXISTS (SELECT 1 FROM desk_revisions r WHERE r.handover = h.id AND r.receipt IS NULL)`,
    )
    .all()
}

/** One transaction. The laptop's lines go with its last handover here; what it serves then is taken again when it is met. */
function wipe({ commit }: Hold, { id, giver }: Due): void {
  commit((store) => {
    const client = store.$client
    client.prepare('DELETE FROM desk_acts WHERE handover = ?').run(id)
    client.prepare('DELETE FROM desk_revisions WHERE handover = ?').run(id)
    client.prepare('UPDATE desk_handovers SET wiped = 1, told = 1, asking = NULL WHERE id = ?').run(id)
    const isLast = !client.prepare('SELECT 1 FROM desk_handovers WHERE giver = ? AND wiped = 0').get(giver)
    client
      .prepare(`DELETE FROM lines WHERE producer = ? ${isLast ? '' : 'AND closedBy = ?'}`)
      .run(...(isLast ? [giver] : [giver, id]))
    client.prepare('DELETE FROM facts WHERE name = ?').run(factOf(giver))
    client.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES (?, '1')").run(dirtyLog)
  })
}
