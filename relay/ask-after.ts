import { readDocument } from '../shared/crypto/read-document.ts'
import { maxOfferBytes, mostOffered, OfferAnswer } from '../shared/protocol/offer.ts'
import { paths } from '../shared/protocol/paths.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { type Hold, withoutSync } from './open-store.ts'

/**
 * Asks a server after batches of which it may know more than is known here. Those whose numbers its receipts count, while what the
 * receipts name is not here: others brought what follows, and only what the server says a receipt means is delivered; of another branch
 * none is. And, where `all`, those that it signed for and has not opened: what its disk has lost since is aboard again, to be brought.
 * @throws what PeerClient throws; what was answered until then is kept
 */
export async function askAfter(hold: Hold, client: PeerClient, server: string, all: boolean): Promise<void> {
  const counted = new Set(countedOnly(hold, server))
  const digests = [...new Set([...counted, ...(all ? signedFor(hold, server) : [])])]
  for (let first = 0; first < digests.length; first += mostOffered) {
    const asked = digests.slice(first, first + mostOffered)
    // This relay's own receipt was given with the batch.
    const manifests = asked.map((digest) => ({ digest, receipt: null }))
    const { held, wanted } = await client.json('POST', paths.offers, { manifests }, OfferAnswer, maxOfferBytes)
    // What no receipt here counts is called delivered when one does (invariant 9).
    const delivered = new Set(
      held.filter((batch) => batch.delivered && counted.has(batch.digest)).map(({ digest }) => digest),
    )
    const lost = new Set(wanted)
    noteAnswer(
      hold,
      asked.filter((digest) => delivered.has(digest)),
      asked.filter((digest) => lost.has(digest)),
    )
  }
}

/** Batches whose numbers the server's receipts count, and that are not known to be meant. What is aboard is offered in any case. */
function countedOnly({ store: { $client } }: Hold, server: string): string[] {
  const current = prepared<[string], { jws: string }>(
    $client,
    'SELECT jws FROM deliveries WHERE server = ? AND current = 1',
  ).all(server)
  const counted = prepared<[string, string, number, number], { digest: string }>(
    $client,
    `SELECT digest FROM manifests WHERE producer = ? AND chain = ? AND seq BETWEEN ? AND ?
     AND state <> 'delivered' AND state <> 'aboard'`,
  )
  return current.flatMap(({ jws }) => {
    const { producer, chain, through, above } = readDocument(jws, 'delivery').document
    const spans = [[1, through] as const, ...above]
    return spans.flatMap(([first, last]) => counted.all(producer, chain, first, last).map(({ digest }) => digest))
  })
}

function signedFor({ store: { $client } }: Hold, server: string): string[] {
  return prepared<[string], string>(
    $client,
    `SELECT digest FROM manifests JOIN server_receipts ON manifest = digest
     WHERE state = 'forwarded' AND pruned = 0 AND "by" = ?`,
  )
    .pluck()
    .all(server)
}

function noteAnswer(hold: Hold, delivered: string[], lost: string[]): void {
  if (delivered.length + lost.length === 0) return
  const named = 'digest IN (SELECT value FROM json_each(?))'
  // Taken back by a power cut, it is answered again.
  withoutSync(hold, ({ $client }) => {
    prepared($client, `UPDATE manifests SET state = 'delivered', code = NULL, why = NULL WHERE ${named}`).run(
      JSON.stringify(delivered),
    )
    prepared(
      $client,
      `UPDATE manifests SET state = 'aboard' WHERE ${named} AND state = 'forwarded' AND pruned = 0`,
    ).run(JSON.stringify(lost))
  })
}
