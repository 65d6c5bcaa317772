import { and, eq, ne } from 'drizzle-orm'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { RelayStore } from './open-store.ts'
import { lines } from './schema.ts'

/**
 * The open lines of a laptop, as far as they are here.
 * @param handover also gives those that this one closed
 */
export function linesOf({ $client: client }: RelayStore, producer: string, handover?: string): OpenLine[] {
  const found = client
    .prepare<[string, string | null], string>(
      'SELECT line FROM lines WHERE producer = ? AND (served = 1 AND closedBy IS NULL OR closedBy = ?)',
    )
    .pluck()
    .all(producer, handover ?? null)
  // Of thousands, parsed at once: a page waits for it.
  return JSON.parse(`[${found.join(',')}]`)
}

/** A line of another laptop than this one, by what a scanner reads of it. */
export function findElsewhere(
  store: RelayStore,
  label: string,
  producer: string,
): { device: string; line: OpenLine } | undefined {
  const found = store
    .select()
    .from(lines)
    .where(and(eq(lines.label, label), ne(lines.producer, producer)))
    .limit(1)
    .get()
  return found && { device: found.producer, line: JSON.parse(found.line) }
}

/** The laptops whose lines are here. */
export function laptopsWithLines(store: RelayStore): string[] {
  return store
    .selectDistinct({ producer: lines.producer })
    .from(lines)
    .where(eq(lines.served, true))
    .all()
    .map(({ producer }) => producer)
}

/** Whether tubes of this laptop are changing hands here now. */
export function hasOpenHandover(store: RelayStore, giver: string): boolean {
  const open = 'SELECT 1 FROM desk_handovers WHERE giver = ? AND closed = 0 LIMIT 1'
  return prepared(store.$client, open).get(giver) !== undefined
}
