import { readDocument } from '../shared/crypto/read-document.ts'
import { maxOfferBytes, mostOffered, OfferAnswer } from '../shared/protocol/offer.ts'
import { paths } from '../shared/protocol/paths.ts'
import { prepared } from '../shared/storage/prepared.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import type { Hold } from './open-store.ts'
import { receiptOf } from './take-custody.ts'

/**
 * Asks a server about the batches of which it is only known that its receipts count their numbers: others brought what follows them,
 * and what a receipt names is not here. Those that it says the receipt means are delivered; of another branch none is.
 * @throws what PeerClient throws; what was confirmed until then is kept
 */
export async function confirmDelivered(hold: Hold, client: PeerClient, server: string): Promise<void> {
  const digests = countedOnly(hold, server)
  for (let first = 0; first < digests.length; first += mostOffered) {
    const asked = digests.slice(first, first + mostOffered)
    const manifests = asked.map((digest) => ({ digest, receipt: receiptOf(hold.store, digest)?.jws ?? null }))
    const { held } = await client.json('POST', paths.offers, { manifests }, OfferAnswer, maxOfferBytes)
    const delivered = new Set(held.flatMap((batch) => (batch.delivered ? [batch.digest] : [])))
    noteDelivered(
      hold,
      asked.filter((digest) => delivered.has(digest)),
    )
  }
}

/** Batches whose numbers the server's receipts count, and that are not known to be meant. What is aboard was offered already. */
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
  const digests = current.flatMap(({ jws }) => {
    const { producer, chain, through, above } = readDocument(jws, 'delivery').document
    const spans: Array<[number, number]> = [[1, through], ...above]
    return spans.flatMap(([low, high]) => counted.all(producer, chain, low, high).map(({ digest }) => digest))
  })
  return [...new Set(digests)]
}

function noteDelivered(hold: Hold, digests: string[]): void {
  const note = `UPDATE manifests SET state = 'delivered', code = NULL, why = NULL
    WHERE digest IN (SELECT value FROM json_each(?))`
  hold.commit(({ $client }) => prepared($client, note).run(JSON.stringify(digests)))
}
