import { contentDigest } from '../shared/handover/content.ts'
import type { HandoverCounts } from '../shared/handover/count-handovers.ts'
import { tubesIn } from '../shared/handover/tubes-in.ts'
import { type HandoverDocument, isHandover } from '../shared/handover/verify-document.ts'
import type { ServerStore } from './open-store.ts'

/** Stores verified handovers and signatures, each once, by whatever way it comes. Call it inside a transaction. */
export function keepHandovers({ $client }: ServerStore, documents: HandoverDocument[]): void {
  const handover = $client.prepare(
    `INSERT OR IGNORE INTO handovers (digest, id, revision, giver, taker, tubes, content, jws) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const signature = $client.prepare(
    `INSERT OR IGNORE INTO handover_signatures (digest, handover, by, jws) VALUES (?, ?, ?, ?)`,
  )
  for (const found of documents) {
    const { digest, jws } = found
    if (isHandover(found)) {
      const { id, revision, giver, taker } = found.document
      handover.run(
        digest,
        id,
        revision,
        giver,
        taker,
        tubesIn(found.document.lines),
        contentDigest(found.document),
        jws,
      )
    } else signature.run(digest, found.document.handover, found.document.by, jws)
  }
}

/** How many handovers are here, and how many tubes were in the hand when each laptop's were signed. */
export interface ServerHandovers extends HandoverCounts {
  tubes: Array<{ device: string; tubes: number }>
}

/**
 * Counts handovers by the signatures under their newest revision, which both laptops may have written down, saying the same. A
 * signature of a third laptop is none.
 */
export function countHandovers({ $client }: ServerStore): ServerHandovers {
  const rows = $client
    .prepare<[], { giver: string; tubes: number; signers: number }>(
      `SELECT giver, tubes, max(signers) signers FROM (
         SELECT h.id, h.giver, h.tubes, (SELECT count(DISTINCT s.by) FROM handovers same
             JOIN handover_signatures s ON s.handover = same.digest AND s.by IN (h.giver, h.taker)
             WHERE same.id = h.id AND same.revision = h.revision AND same.content = h.content) signers
         FROM handovers h WHERE revision = (SELECT max(revision) FROM handovers n WHERE n.id = h.id))
       GROUP BY id`,
    )
    .all()
  const of = (signers: number) => rows.filter((row) => row.signers === signers).length
  const tubes = new Map<string, number>()
  for (const row of rows) if (row.signers > 0) tubes.set(row.giver, (tubes.get(row.giver) ?? 0) + row.tubes)
  return {
    ...{ open: of(0), signedByOne: of(1), signed: of(2), atServer: rows.length },
    tubes: [...tubes].map(([device, count]) => ({ device, tubes: count })),
  }
}
