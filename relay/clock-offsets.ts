import { eq } from 'drizzle-orm'
import type { Hold } from './open-store.ts'
import { facts } from './schema.ts'

/** What is nearer than this to what is stored is not worth a write. */
const worthMs = 10_000

/** Notes by how much another laptop's clock differs from this one's, as it told in an answer that came just now. */
export function noteClock(hold: Hold, device: string, toldAt: string): void {
  const offset = Date.parse(toldAt) - hold.clock.now().getTime()
  if (Math.abs(offset - clockOffset(hold, device)) < worthMs) return
  const [name, value] = [nameOf(device), String(offset)]
  hold.commit((store) =>
    store.insert(facts).values({ name, value }).onConflictDoUpdate({ target: facts.name, set: { value } }).run(),
  )
}

/** What is to be added to this laptop's clock to have the other's, in milliseconds; 0 where it was never met. */
export function clockOffset(hold: Hold, device: string): number {
  return Number(
    hold.store
      .select()
      .from(facts)
      .where(eq(facts.name, nameOf(device)))
      .get()?.value ?? 0,
  )
}

function nameOf(device: string): string {
  return `clock:${device}`
}
