import { readDocument } from '../crypto/read-document.ts'
import { type SignedDocument, signDocument } from '../crypto/sign-document.ts'
import type { Handover, HandoverSignature, Person, PersonAct } from '../protocol/handover.ts'
import { WaybillError } from '../service/errors.ts'
import { canBeSigned } from './check-act.ts'
import { contentDigest, contentOf } from './content.ts'
import type { AskedSignature } from './desk.ts'
import type { DeskParts } from './desk-parts.ts'
import type { KnownHandover } from './handover-book.ts'
import { keepDocuments, type ToKeep } from './keep-documents.ts'
import { reconcileNow } from './reconcile-now.ts'
import { newestOf, signingOf } from './signed.ts'

/** A revision to put a name under; `made` where it is not on disk yet. */
interface ToSign {
  digest: string
  handover: Handover
  made?: SignedDocument
}

const longestRemark = 200

/**
 * Writes the next revision down if what it says has changed, and signs it for this side; both are on disk when this returns. In a
 * closed handover only what was signed can be signed, again or by another person. Call it once at a time.
 * @throws NOT_FOUND, BAD_REQUEST, HANDOVER_CLOSED where nobody signed it or it was erased, PIN_REFUSED, TOO_LARGE
 */
export async function signHandover(parts: DeskParts, id: string, asked: AskedSignature): Promise<void> {
  const known = parts.handovers.get(id)
  if (known.isWiped) parts.documents.forget(id)
  checkRemark(asked.remark)
  const person = parts.log.onShift()
  const verified = await isVerified(parts, person, asked.pin)
  const log = parts.log.uncarried()
  const { digest, handover, made } = await revisionToSign(parts, known, log.acts)
  const { context } = parts
  const signature: HandoverSignature = {
    ...{ v: 1, study: context.trust.study, handover: digest, id, revision: handover.revision, by: context.device },
    ...{ meaning: context.side === 'giver' ? 'handedOver' : 'received', person, verified, agrees: asked.agrees },
    ...{ remark: asked.remark, at: context.clock.now().toISOString(), log: made ? [] : log.acts },
  }
  const signed = await signDocument('signature', signature, context.signer)
  const given: ToKeep = {
    signature: { signed, signature },
    carried: { positions: log.positions, by: (made ?? signed).digest },
  }
  if (made) given.revision = { signed: made, by: context.device, handover }
  keepDocuments(parts, id, given)
  context.tell()
}

async function isVerified({ pins }: DeskParts, person: Person | null, pin: string | null): Promise<boolean> {
  return person !== null && pin !== null && (await pins.verify(person, pin))
}

async function revisionToSign(parts: DeskParts, known: KnownHandover, log: PersonAct[]): Promise<ToSign> {
  const { documents, context } = parts
  const { head } = known
  const written = documents.of(head.id)
  const newest = newestOf(written.revisions)
  if (known.isClosed) {
    const { standing } = signingOf(head, written)
    const own = standing.find(({ digest }) =>
      written.signatures.some(({ signature }) => signature.handover === digest && signature.by === context.device),
    )
    const signed = own ?? standing[0]
    if (!signed) throw new WaybillError('HANDOVER_CLOSED', `handover ${head.id.slice(0, 8)} is closed`)
    return signed
  }
  const handover = { ...nextRevision(parts, known), log }
  const content = contentDigest(handover)
  const same = newest.find((revision) => revision.content === content)
  if (same) return same
  const made = await signDocument('handover', handover, context.signer)
  try {
    readDocument(made.jws, 'handover')
  } catch (cause) {
    throw new WaybillError('TOO_LARGE', 'the handover is larger than a document can be', { cause })
  }
  return { digest: made.digest, handover, made }
}

/** What this laptop would write down now. */
function nextRevision(parts: DeskParts, known: KnownHandover): Omit<Handover, 'log'> {
  const { context, acts, documents } = parts
  const { head } = known
  const [before] = newestOf(documents.of(head.id).revisions)
  return {
    ...{ v: 1, study: context.trust.study, ...head, revision: (before?.handover.revision ?? 0) + 1 },
    ...{ previous: before?.digest ?? null, at: context.clock.now().toISOString() },
    studyVersion: context.shelf.document.version,
    ...contentOf(reconcileNow(parts, known), acts.of(head.id)),
  }
}

function checkRemark(remark: string | null): void {
  if (remark !== null && (remark.length < 1 || remark.length > longestRemark || !canBeSigned(remark, 0)))
    throw new WaybillError('BAD_REQUEST', `remark: from 1 to ${longestRemark} characters`)
}
