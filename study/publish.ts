import { readDocument } from '../shared/crypto/read-document.ts'
import { type SignedDocument, signDocument } from '../shared/crypto/sign-document.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import type { Issuer } from './issuer.ts'

/** What differs from the version before. */
export type Edit = (document: StudyDocument) => Partial<StudyDocument>

/** Signs and stores the study's first document. @throws as publishNext */
export async function publishFirst(data: string, issuer: Issuer, document: StudyDocument): Promise<SignedDocument> {
  const signed = await signReadable(document, issuer)
  await StudyShelf.put(data, { jws: signed.jws, version: document.version })
  return signed
}

/**
 * Signs the next version and puts it on the shelf. Of publishers at once, in whatever programs, one comes after the other.
 * @throws STUDY_DOCUMENT_INVALID for a document that no node could read; it is not on the shelf then
 */
export async function publishNext(
  data: string,
  shelf: StudyShelf,
  issuer: Issuer,
  at: Date,
  edit: Edit,
): Promise<SignedDocument> {
  for (;;) {
    await shelf.refresh()
    const { document, digest } = shelf
    const version = document.version + 1
    const next = { ...document, ...edit(document), version, previous: digest, at: at.toISOString() }
    const signed = await signReadable(next, issuer)
    const isFirst = await StudyShelf.add(data, { jws: signed.jws, version })
    await shelf.refresh()
    if (isFirst) return signed
  }
}

/** One that is too large, or has half a character in it, would stop every node that reads it, this server first. */
async function signReadable(document: object, issuer: Issuer): Promise<SignedDocument> {
  try {
    const signed = await signDocument('study', document, issuer.signer)
    readDocument(signed.jws, 'study')
    return signed
  } catch (cause) {
    throw new WaybillError('STUDY_DOCUMENT_INVALID', asWaybillError(cause).message, { cause })
  }
}
