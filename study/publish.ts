import { type SignedDocument, signDocument } from '../shared/crypto/sign-document.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import type { Issuer } from './issuer.ts'

/** What differs from the version before. */
export type Edit = (document: StudyDocument) => Partial<StudyDocument>

/** Signs and stores the study's first document. */
export async function publishFirst(data: string, issuer: Issuer, document: StudyDocument): Promise<SignedDocument> {
  const signed = await signDocument('study', document, issuer.signer)
  await StudyShelf.put(data, { jws: signed.jws, version: document.version })
  return signed
}

/** Signs the next version and puts it on the shelf. Of publishers at once, in whatever programs, one comes after the other. */
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
    const signed = await signDocument('study', next, issuer.signer)
    const isFirst = await StudyShelf.add(data, { jws: signed.jws, version })
    await shelf.refresh()
    if (isFirst) return signed
  }
}
