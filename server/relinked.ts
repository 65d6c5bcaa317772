import type { Round } from './round.ts'

interface Relinked {
  producer: string
  chain: string
  position: number
}

/** Forks are rare: no index of batches is kept for them, and the feed is looked through a piece at a time. */
const mostAtOnce = 50_000

/**
 * Has the records looked at again that have changes of a chain's branches, since what links these came after the changes: which of them
 * came before which may be another thing now.
 * @returns how much was done
 */
export function takeRelinked(round: Round): number {
  const next = round.get<Relinked>('SELECT producer, chain, position FROM relinks LIMIT 1')
  if (!next) return 0
  const { producer, chain, position } = next
  const last = position + mostAtOnce
  round.run(
    `INSERT OR IGNORE INTO rechecks SELECT DISTINCT record FROM changes WHERE position > ? AND position <= ? AND batch IN
     (SELECT b.ordinal FROM chains c JOIN batches b ON b.producer = c.producer AND b.chain = c.chain AND b.seq >= c.fork_at
     WHERE c.producer = ? AND c.chain = ?)`,
    ...[position, last, producer, chain],
  )
  if (last < round.through)
    round.run('UPDATE relinks SET position = ? WHERE producer = ? AND chain = ?', last, producer, chain)
  else round.run('DELETE FROM relinks WHERE producer = ? AND chain = ?', producer, chain)
  return 1
}
