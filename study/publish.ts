import { type SignedDocument, signDocument } from '../shared/crypto/sign-document.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import type { Issuer } from './issuer.ts'

/** What differs from the version before. */
export type Edit = (document: StudyDocument) => Partial<StudyDocument>

/** Signs and stores the study's first document. */
export async function publishFirst(data: string, issuer: Issuer, document: StudyDocument): Promise<SignedDocument> {
  return publish(data, issuer, document)
}

/**
 * Signs the next version and puts it on the shelf. Two publishers at once end in one version: the caller holds the
 * server's write lock.
 */
export async function publishNext(
  data: string,
  shelf: StudyShelf,
  issuer: Issuer,
  at: Date,
  edit: Edit,
): Promise<SignedDocument> {
  await shelf.refresh()
  const { document, digest } = shelf
  const next = { ...document, ...edit(document), version: document.version + 1, previous: digest, at: at.toISOString() }
  const signed = await publish(data, issuer, next)
  await shelf.refresh()
  return signed
}

async function publish(data: string, issuer: Issuer, document: StudyDocument): Promise<SignedDocument> {
  const signed = await signDocument('study', document, issuer.signer)
  await StudyShelf.put(data, { jws: signed.jws, version: document.version })
  return signed
}
