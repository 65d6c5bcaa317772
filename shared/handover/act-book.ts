import type { Database, Statement, Transaction } from 'better-sqlite3'
import type { Act, Seen } from '../protocol/handover.ts'

/** The acts of one handover that is in memory; what is in it is on disk. */
interface Shelf {
  acts: Act[]
  seen: Seen
  /** The `after` of each device's last act. */
  after: Map<string, number>
}

const mostShelves = 16

/** All acts of all handovers: a set that only grows. Only one book is open on a database. */
export class ActBook {
  readonly #shelves = new Map<string, Shelf>()
  readonly #read: Statement<[string], { act: string }>
  readonly #find: Statement<[string, string, number], { act: string }>
  readonly #takeOut: Statement<[string, string, number], { act: string }>
  readonly #put: Transaction<(handover: string, acts: Act[], together: () => void) => void>

  constructor(client: Database) {
    this.#read = client.prepare('SELECT act FROM desk_acts WHERE handover = ? ORDER BY after, device, number')
    this.#find = client.prepare('SELECT act FROM desk_acts WHERE handover = ? AND device = ? AND number = ?')
    this.#takeOut = client.prepare(
      'DELETE FROM desk_acts WHERE handover = ? AND device = ? AND number >= ? RETURNING act',
    )
    const insert = client.prepare('INSERT INTO desk_acts (handover, device, number, after, act) VALUES (?, ?, ?, ?, ?)')
    this.#put = client.transaction((handover: string, acts: Act[], together: () => void) => {
      for (const act of acts) insert.run(handover, act.device, act.number, act.after, JSON.stringify(act))
      together()
    })
  }

  /** The acts of a handover, in whatever order. */
  of(handover: string): readonly Act[] {
    return this.#shelf(handover).acts
  }

  /** How many acts of each device are here. */
  seen(handover: string): Seen {
    return { ...this.#shelf(handover).seen }
  }

  find(handover: string, device: string, number: number): Act | undefined {
    const row = this.#find.get(handover, device, number)
    return row && JSON.parse(row.act)
  }

  /** The `after` of a device's last act, 0 where it has none. */
  lastAfter(handover: string, device: string): number {
    return this.#shelf(handover).after.get(device) ?? 0
  }

  /** How a device's next act is numbered, and ordered after all that are here (Lamport 1978). */
  next(handover: string, device: string): { number: number; after: number } {
    const { seen, after } = this.#shelf(handover)
    return { number: (seen[device] ?? 0) + 1, after: Math.max(0, ...after.values()) + 1 }
  }

  /**
   * Stores acts that were checked, each device's in the order of their numbers; they are on disk when it returns.
   * @param together runs in the same transaction
   */
  put(handover: string, acts: Act[], together: () => void = () => undefined): void {
    const shelf = this.#shelf(handover)
    this.#put.immediate(handover, acts, together)
    for (const act of acts) this.#add(shelf, act)
  }

  /** A device's acts from this number on, in order; they are here no more. Call it inside a transaction that puts them again. */
  takeOut(handover: string, device: string, number: number): Act[] {
    const out = this.#takeOut.all(handover, device, number).map(({ act }): Act => JSON.parse(act))
    this.forget(handover)
    return out.sort((a, b) => a.number - b.number)
  }

  /** What is in memory is read again: a transaction around a `put` was rolled back, or the program erased acts. */
  forget(handover: string): void {
    this.#shelves.delete(handover)
  }

  /** What someone lacks who has seen so many. */
  lacking(handover: string, seen: Seen): Act[] {
    return this.of(handover).filter(({ device, number }) => number > (seen[device] ?? 0))
  }

  #shelf(handover: string): Shelf {
    const found = this.#shelves.get(handover)
    if (found) return found
    const shelf: Shelf = { acts: [], seen: {}, after: new Map() }
    for (const { act } of this.#read.iterate(handover)) this.#add(shelf, JSON.parse(act))
    const [oldest] = this.#shelves.keys()
    if (oldest !== undefined && this.#shelves.size >= mostShelves) this.#shelves.delete(oldest)
    this.#shelves.set(handover, shelf)
    return shelf
  }

  #add({ acts, seen, after }: Shelf, act: Act): void {
    acts.push(act)
    seen[act.device] = Math.max(seen[act.device] ?? 0, act.number)
    after.set(act.device, Math.max(after.get(act.device) ?? 0, act.after))
  }
}
