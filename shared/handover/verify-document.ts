import { headerOf } from '../crypto/read-document.ts'
import type { Trust, Verified } from '../crypto/trust.ts'
import { documentKinds } from '../protocol/document-kinds.ts'
import { WaybillError } from '../service/errors.ts'

/** A handover or a signature under one, whose signer was allowed to make it. */
export type HandoverDocument = Verified<'handover'> | Verified<'signature'>

/**
 * Reads a handover or a signature and checks who signed it: the handover one of its two laptops, the signature the laptop that it
 * names, and each laptop only what is its part: a field laptop hands over, a relay receives.
 * @throws BAD_DOCUMENT for another kind, ROLE_REFUSED, and what Trust.verify throws
 */
export async function verifyHandoverDocument(trust: Trust, jws: string): Promise<HandoverDocument> {
  const typ = typOf(jws)
  if (typ === documentKinds.handover.typ) {
    const handover = await trust.verify(jws, 'handover')
    const { document, signer } = handover
    const own = signer.role === 'field' ? document.giver : document.taker
    if (own !== signer.device || document.giver === document.taker) throw foreign()
    return handover
  }
  if (typ === documentKinds.signature.typ) {
    const signature = await trust.verify(jws, 'signature')
    const { document, signer } = signature
    const meaning = signer.role === 'field' ? 'handedOver' : 'received'
    if (document.by !== signer.device || document.meaning !== meaning) throw foreign()
    return signature
  }
  throw new WaybillError('BAD_DOCUMENT', `neither a handover nor a signature: ${String(typ).slice(0, 100)}`)
}

/** Which of the two it is. */
export function isHandover(document: HandoverDocument): document is Verified<'handover'> {
  return 'giver' in document.document
}

/** A credential rides with the documents that it is needed for. */
export function isCredential(jws: string): boolean {
  return typOf(jws) === documentKinds.credential.typ
}

function typOf(jws: string): unknown {
  try {
    return headerOf(jws).typ
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', 'no JWS', { cause })
  }
}

function foreign(): WaybillError {
  return new WaybillError(
    'ROLE_REFUSED',
    'a handover is signed by the laptop that hands over and by the one that receives',
  )
}
