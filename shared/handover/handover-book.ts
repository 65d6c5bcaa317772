import type { Database } from 'better-sqlite3'
import type { HandoverHead, LineKey } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'

/** A handover as it stands on this laptop. */
export interface KnownHandover {
  head: HandoverHead
  /** The driver ended it. */
  isEnded: boolean
  isClosed: boolean
  /** The program erased its acts and revisions. */
  isWiped: boolean
  /** The line whose reason is asked for. */
  asking: LineKey | null
}

interface Row extends HandoverHead {
  endedAt: string | null
  closed: number
  wiped: number
  asking: string | null
}

const columns = 'id, giver, taker, began, ended_at endedAt, closed, wiped, asking'

/** The handovers that this laptop took part in. */
export class HandoverBook {
  readonly #client: Database

  constructor(client: Database) {
    this.#client = client
  }

  /** @throws NOT_FOUND */
  get(id: string): KnownHandover {
    const found = this.find(id)
    if (!found) throw new WaybillError('NOT_FOUND', `no handover ${id.slice(0, 8)}`)
    return found
  }

  find(id: string): KnownHandover | undefined {
    const row = this.#client.prepare<[string], Row>(`SELECT ${columns} FROM desk_handovers WHERE id = ?`).get(id)
    return row && known(row)
  }

  add({ id, giver, taker, began }: HandoverHead): void {
    this.#client
      .prepare('INSERT INTO desk_handovers (id, giver, taker, began) VALUES (?, ?, ?, ?)')
      .run(id, giver, taker, began)
  }

  /** Those between these two laptops that are not closed, the newest first. */
  openBetween(giver: string, taker: string): KnownHandover[] {
    return this.#client
      .prepare<[string, string], Row>(
        `SELECT ${columns} FROM desk_handovers WHERE closed = 0 AND taker = ? AND giver = ? ORDER BY position DESC`,
      )
      .all(taker, giver)
      .map(known)
  }

  /** The newest handovers, the newest first. */
  newest(most: number): KnownHandover[] {
    return this.#client
      .prepare<[number], Row>(`SELECT ${columns} FROM desk_handovers ORDER BY position DESC LIMIT ?`)
      .all(most)
      .map(known)
  }

  open(): KnownHandover[] {
    return this.#client
      .prepare<[], Row>(`SELECT ${columns} FROM desk_handovers WHERE closed = 0 ORDER BY position DESC`)
      .all()
      .map(known)
  }

  /** Those of which the other laptop does not know the end yet, the newest first; what was erased has nothing to tell. */
  untold(): KnownHandover[] {
    return this.#client
      .prepare<[], Row>(`SELECT ${columns} FROM desk_handovers WHERE told = 0 AND wiped = 0 ORDER BY position DESC`)
      .all()
      .map(known)
  }

  ask(id: string, line: LineKey | null): void {
    const asking = line && JSON.stringify({ model: line.model, pk: line.pk })
    this.#client.prepare('UPDATE desk_handovers SET asking = ? WHERE id = ?').run(asking, id)
  }

  end(id: string, at: string): void {
    this.#client
      .prepare('UPDATE desk_handovers SET ended_at = coalesce(ended_at, ?), closed = 1, told = 0 WHERE id = ?')
      .run(at, id)
  }

  /** Whether both signed the newest revision; what was ended stays closed. There is something to tell again. */
  settle(id: string, agreed: boolean): void {
    this.#client
      .prepare('UPDATE desk_handovers SET closed = (? OR ended_at IS NOT NULL), told = 0 WHERE id = ?')
      .run(agreed ? 1 : 0, id)
  }

  markTold(id: string): void {
    this.#client.prepare('UPDATE desk_handovers SET told = 1 WHERE id = ?').run(id)
  }
}

function known({ endedAt, closed, wiped, asking, ...head }: Row): KnownHandover {
  return {
    ...{ head, isEnded: endedAt !== null, isClosed: closed === 1, isWiped: wiped === 1 },
    asking: JSON.parse(asking ?? 'null'),
  }
}
