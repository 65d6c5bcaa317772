import { peekDocument } from '../crypto/read-document.ts'
import type { Trust, Verified } from '../crypto/trust.ts'
import type { DeliveryReceipt } from '../protocol/delivery-receipt.ts'
import type { DocumentKind } from '../protocol/document-kinds.ts'
import type { Meeting } from '../protocol/meeting.ts'
import { asWaybillError, type WaybillError } from '../service/errors.ts'
import type { StudyShelf, Taken } from '../storage/study-shelf.ts'

/** What a server says of a chain. */
export type ServerWord = Pick<DeliveryReceipt, 'producer' | 'server' | 'incarnation'>

/** What a meeting brought and could be verified. */
export interface Absorbed {
  study: Taken
  deliveries: Verified<'delivery'>[]
  gaps: Verified<'gaps'>[]
  custody: Verified<'custody'>[]
  manifests: Verified<'manifest'>[]
  problems: WaybillError[]
}

/**
 * Verifies what a peer told, each document on its own: a bad one becomes a problem and spoils nothing (invariant 8). Delivery
 * receipts and gap notices count only when a server that the study document names signed them for itself.
 * @param isNews says of a receipt or notice, before it is verified, whether it could tell anything that is not known; others are left out
 */
export async function absorbMeeting(
  meeting: Meeting,
  trust: Trust,
  shelf: StudyShelf,
  isNews: (document: ServerWord) => boolean = () => true,
): Promise<Absorbed> {
  const problems: WaybillError[] = []
  const attempt = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act()
    } catch (error) {
      problems.push(asWaybillError(error))
      return undefined
    }
  }
  for (const credential of issuersFirst(meeting.credentials)) await attempt(() => trust.admitAll([credential]))
  const { studyDocument } = meeting
  const study = studyDocument === null ? 'same' : ((await attempt(() => shelf.take(studyDocument))) ?? 'same')
  const verifyAll = async <K extends DocumentKind>(documents: string[], kind: K): Promise<Verified<K>[]> => {
    const verified: Verified<K>[] = []
    for (const jws of documents) {
      const document = await attempt(() => trust.verify(jws, kind))
      if (document) verified.push(document)
    }
    return verified
  }
  const counts = ({ document, signer }: { document: { server: string }; signer: { device: string } }) =>
    document.server === signer.device && shelf.document.servers.includes(signer.device)
  return {
    study,
    deliveries: (await verifyAll(newsOf(meeting.deliveries, isNews), 'delivery')).filter(counts),
    gaps: (await verifyAll(newsOf(meeting.gaps, isNews), 'gaps')).filter(counts),
    custody: await verifyAll(meeting.custody, 'custody'),
    manifests: await verifyAll(meeting.manifests, 'manifest'),
    problems,
  }
}

/** To leave something out costs no check of it. What cannot be read is news: verifying it says what is wrong. */
function newsOf(documents: string[], isNews: (document: ServerWord) => boolean): string[] {
  return documents.filter((jws) => {
    try {
      return isNews(peekDocument(jws) as ServerWord)
    } catch {
      return true
    }
  })
}

/** Issuers' credentials are the ones the authority signed; they come before what they signed themselves. */
function issuersFirst(credentials: string[]): string[] {
  const isIssuer = (jws: string) => Buffer.from(jws.split('.')[1] ?? '', 'base64url').includes('"role":"issuer"')
  return credentials.toSorted((a, b) => Number(isIssuer(b)) - Number(isIssuer(a)))
}
