import { deviceOf, type Identity, signerOf } from '../shared/crypto/identity.ts'
import { documentDigest, signDocument } from '../shared/crypto/sign-document.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { type HandoverDocument, verifyHandoverDocument } from '../shared/handover/verify-document.ts'
import type { GivenHandovers, TakenHandovers } from '../shared/protocol/given-handovers.ts'
import type { HandoverReceipt } from '../shared/protocol/handover.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError } from '../shared/service/errors.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { keepHandovers } from './keep-handovers.ts'
import type { ServerStore } from './open-store.ts'

/** What taking handovers needs to know. */
export interface HandoverContext {
  store: ServerStore
  identity: Identity
  trust: Trust
  shelf: StudyShelf
  clock: Clock
}

/**
 * Takes handovers and signatures from whoever brings them: each verified, all on disk, then signed for (invariant 4). One that is
 * here already is signed for again; a bad one is refused with its code and spoils nothing (invariant 8).
 */
export async function takeHandovers(context: HandoverContext, given: GivenHandovers): Promise<TakenHandovers> {
  const { store, trust, shelf } = context
  const taken: HandoverDocument[] = []
  const refused: TakenHandovers['refused'] = []
  await admitEach(trust, given.credentials)
  for (const jws of given.documents) {
    try {
      const document = await verifyHandoverDocument(trust, jws)
      checkStanding(shelf.document, document.signer)
      taken.push(document)
    } catch (thrown) {
      const { code, message } = asWaybillError(thrown)
      refused.push({ digest: documentDigest(jws), code, message })
    }
  }
  store.$client.transaction(() => keepHandovers(store, taken)).immediate()
  return { receipt: await signFor(context, [...new Set(taken.map(({ digest }) => digest))]), refused }
}

/** Issuers' first, as they are given; what is signed by one that is missing is refused later, by its name. */
async function admitEach(trust: Trust, credentials: string[]): Promise<void> {
  const refused: string[] = []
  for (const credential of credentials) await trust.admitAll([credential]).catch(() => refused.push(credential))
  for (const credential of refused) await trust.admitAll([credential]).catch(() => undefined)
}

async function signFor({ identity, clock }: HandoverContext, documents: string[]): Promise<string | null> {
  if (documents.length === 0) return null
  const receipt: HandoverReceipt = {
    ...{ v: 1, study: identity.study, server: deviceOf(identity), documents, at: clock.now().toISOString() },
  }
  return (await signDocument('handoverReceipt', receipt, signerOf(identity))).jws
}
