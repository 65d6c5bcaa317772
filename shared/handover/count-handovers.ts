import type { Database } from 'better-sqlite3'

/** How many handovers there are: `open` nobody signed; the others by the newest revision that somebody signed. */
export interface HandoverCounts {
  open: number
  signedByOne: number
  signed: number
  /** A server signed for all of it. */
  atServer: number
}

const everSigned = '(SELECT count(DISTINCT s.by) FROM desk_signatures s WHERE s.handover = h.id)'
/** The newest revision that somebody signed, and those of its number that say the same. */
const signedLast = `(SELECT count(DISTINCT s.by) FROM desk_revisions r JOIN desk_signatures s ON s.revision_digest = r.digest
  WHERE r.handover = h.id AND (r.revision, r.content) = (SELECT n.revision, n.content FROM desk_revisions n
    JOIN desk_signatures o ON o.revision_digest = n.digest WHERE n.handover = h.id ORDER BY n.revision DESC LIMIT 1))`

/**
 * Counts the handovers of a desk.
 * @param isAtServer an SQL condition on `d`, one document of a handover with `digest` and `receipt`
 */
export function countHandovers(client: Database, isAtServer: string): HandoverCounts {
  const counted = client
    .prepare<[], { signers: number; count: number; atServer: number }>(
      `SELECT signers, count(*) count, sum(signers > 0 AND atServer) atServer FROM (
         SELECT CASE WHEN wiped = 1 THEN ${everSigned} ELSE ${signedLast} END signers,
                NOT EXISTS (SELECT 1 FROM desk_signatures d WHERE d.handover = h.id AND NOT (${isAtServer})) atServer
         FROM desk_handovers h)
       GROUP BY signers`,
    )
    .all()
  const of = (signers: number) => counted.find((row) => row.signers === signers)?.count ?? 0
  const atServer = counted.reduce((sum, row) => sum + row.atServer, 0)
  return { open: of(0), signedByOne: of(1), signed: of(2), atServer }
}
