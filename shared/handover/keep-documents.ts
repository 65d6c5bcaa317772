import type { SignedDocument } from '../crypto/sign-document.ts'
import type { Handover, HandoverSignature } from '../protocol/handover.ts'
import { contentDigest } from './content.ts'
import type { DeskParts } from './desk-parts.ts'
import { signingOf } from './signed.ts'

/** What is to be kept of one handover together: a revision, a signature, or both; and what of the own log they carry. */
export interface ToKeep {
  revision?: { signed: SignedDocument; by: string; handover: Handover }
  signature?: { signed: SignedDocument; signature: HandoverSignature }
  carried?: { positions: number[]; by: string }
}

/**
 * Stores verified documents in one transaction, on disk when it returns, with all that follows from them: a revision that is signed
 * for the first time closes lines, and one that both signed closes the handover.
 */
export function keepDocuments({ context, documents, handovers, log }: DeskParts, id: string, given: ToKeep): void {
  const store = context.client.transaction(() => {
    const { revision, signature, carried } = given
    if (carried) log.markCarried(carried.positions, carried.by)
    if (revision) {
      const { signed, by, handover } = revision
      documents.putRevision(signed, by, contentDigest(handover), handover)
      if (!carried && by === context.device) log.recall(handover.log, signed.digest)
    }
    if (signature) {
      const isFirst = documents.putSignature(signature.signed, signature.signature)
      if (!carried && signature.signature.by === context.device)
        log.recall(signature.signature.log, signature.signed.digest)
      documents.forget(id)
      const named = documents.of(id).revisions.find(({ digest }) => digest === signature.signature.handover)
      if (isFirst && named) context.onSigned(named.handover)
    }
    documents.forget(id)
    handovers.settle(id, signingOf(handovers.get(id).head, documents.of(id)).signed === 'both')
  })
  try {
    store.immediate()
  } finally {
    // What was rolled back must not stay in memory.
    documents.forget(id)
  }
}
