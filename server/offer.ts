import { readDocument } from '../shared/crypto/read-document.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import type { Offer, OfferAnswer } from '../shared/protocol/offer.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError } from '../shared/service/errors.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { areDelivered } from './are-delivered.ts'
import { appendHops } from './hops.ts'
import { lacksPayload } from './lost-payload.ts'
import type { ServerStore } from './open-store.ts'
import { custodyOf } from './sign-for.ts'
import { verifyPath } from './verify-brought.ts'

/** What answering an offer needs to know. */
interface OfferContext {
  store: ServerStore
  trust: Trust
  clock: Clock
}

/** Answers an offer. A courier's receipt for a batch that is held joins the batch's tree (invariant 5). */
export async function answerOffer(context: OfferContext, giver: string, { manifests }: Offer): Promise<OfferAnswer> {
  const { store } = context
  const answer: OfferAnswer = { wanted: [], held: [] }
  const delivered = areDelivered(
    store,
    manifests.map(({ digest }) => digest),
  )
  for (const { digest, receipt } of manifests) {
    const custody = custodyOf(store, digest)
    if (custody === undefined || lacksPayload(store, digest)) answer.wanted.push(digest)
    else {
      answer.held.push({ digest, custody, delivered: delivered.has(digest) })
      if (receipt !== null) await appendReceipt(context, giver, digest, receipt)
    }
  }
  return answer
}

/** A receipt that does not link is left out: the batch is held all the same. */
async function appendReceipt(
  { store, trust, clock }: OfferContext,
  giver: string,
  digest: string,
  receipt: string,
): Promise<void> {
  const held = prepared<[string], { manifest: string }>(
    store.$client,
    'SELECT manifest FROM batches WHERE manifest_digest = ?',
  ).get(digest)
  if (!held) return
  try {
    const path = [...pathBefore(store, digest, receipt), receipt]
    const verified = await verifyPath(trust, readDocument(held.manifest, 'manifest'), path, giver)
    appendHops(store, verified, clock.now())
  } catch (error) {
    if (asWaybillError(error).status >= 500) throw error
  }
}

/** The receipts that lead from the manifest to the one that this receipt follows, as they are in the tree. */
function pathBefore(store: ServerStore, manifestDigest: string, receipt: string): string[] {
  const find = prepared<[string, string], { jws: string; prev: string }>(
    store.$client,
    'SELECT jws, prev FROM hops WHERE digest = ? AND manifest_digest = ?',
  )
  const path: string[] = []
  let hop = find.get(readDocument(receipt, 'custody').document.prev, manifestDigest)
  for (; hop; hop = find.get(hop.prev, manifestDigest)) path.unshift(hop.jws)
  return path
}
