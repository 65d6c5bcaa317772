import { tubesIn } from '../shared/handover/tubes-in.ts'
import { type HandoverDocument, isHandover } from '../shared/handover/verify-document.ts'
import type { ServerStore } from './open-store.ts'

/** Stores verified handovers and signatures, each once, by whatever way it comes. Call it inside a transaction. */
export function keepHandovers({ $client }: ServerStore, documents: HandoverDocument[]): void {
  const handover = $client.prepare(
    `INSERT OR IGNORE INTO handovers (digest, id, revision, giver, taker, tubes, jws) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const signature = $client.prepare(
    `INSERT OR IGNORE INTO handover_signatures (digest, handover, by, jws) VALUES (?, ?, ?, ?)`,
  )
  for (const found of documents) {
    const { digest, jws } = found
    if (isHandover(found)) {
      const { id, revision, giver, taker } = found.document
      handover.run(digest, id, revision, giver, taker, tubesIn(found.document), jws)
    } else signature.run(digest, found.document.handover, found.document.by, jws)
  }
}

/** How many handovers are here: `signed` by both laptops, `signedByOne`, `open` where no signature came yet. */
export interface HandoverCounts {
  open: number
  signedByOne: number
  signed: number
  atServer: number
  /** In the hand when it was signed. */
  tubes: number
}

/** Counts handovers by the signatures under their newest revision; a signature of a third laptop is none. */
export function countHandovers({ $client }: ServerStore): HandoverCounts {
  const rows = $client
    .prepare<[], { signers: number; count: number; tubes: number }>(
      `SELECT signers, count(*) count, sum(tubes) tubes FROM (
         SELECT max(signers) signers, tubes FROM (
           SELECT h.id, h.tubes, (SELECT count(DISTINCT by) FROM handover_signatures s
                                  WHERE s.handover = h.digest AND s.by IN (h.giver, h.taker)) signers
           FROM handovers h WHERE revision = (SELECT max(revision) FROM handovers n WHERE n.id = h.id))
         GROUP BY id)
       GROUP BY signers`,
    )
    .all()
  const of = (signers: number) => rows.find((row) => row.signers === signers) ?? { count: 0, tubes: 0 }
  const [open, signedByOne, signed] = [of(0).count, of(1).count, of(2).count]
  return { open, signedByOne, signed, atServer: open + signedByOne + signed, tubes: of(1).tubes + of(2).tubes }
}
