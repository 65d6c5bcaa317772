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
  revision: number
  made?: { signed: SignedDocument; handover: Handover }
}

/** Who signs, and how. */
type Signing = Pick<HandoverSignature, 'person' | 'verified' | 'agrees' | 'remark'>

const longestRemark = 200

/**
 * Writes the next revision down if what it says has changed, and signs it for this side; both are on disk when this returns. In a
 * closed handover only what was signed can be signed, again or by another person; of one that was erased, a person's own signature
 * can still be confirmed. Call it once at a time.
 * @throws NOT_FOUND, BAD_REQUEST, HANDOVER_CLOSED where there is nothing to sign, PIN_REFUSED, TOO_LARGE
 */
export async function signHandover(parts: DeskParts, id: string, asked: AskedSignature): Promise<void> {
  const known = parts.handovers.get(id)
  if (known.isWiped) parts.documents.forget(id)
  checkRemark(asked.remark)
  const person = parts.log.onShift()
  const verified = await isVerified(parts, person, asked.pin)
  const log = parts.log.uncarried()
  const signing: Signing = { person, verified, agrees: asked.agrees, remark: asked.remark }
  const { digest, revision, made } = known.isClosed
    ? closedRevision(parts, known, signing)
    : await nextToSign(parts, known, log.acts)
  const { context } = parts
  const signature: HandoverSignature = {
    ...{ v: 1, study: context.trust.study, handover: digest, id, revision, by: context.device },
    ...{ meaning: context.side === 'giver' ? 'handedOver' : 'received', ...signing },
    ...{ at: context.clock.now().toISOString(), log: made ? [] : log.acts },
  }
  const signed = await signDocument('signature', signature, context.signer)
  const given: ToKeep = {
    signature: { signed, signature },
    carried: { positions: log.positions, by: (made?.signed ?? signed).digest },
  }
  if (made) given.revision = { ...made, by: context.device }
  keepDocuments(parts, id, given)
  context.tell()
}

async function isVerified({ pins }: DeskParts, person: Person | null, pin: string | null): Promise<boolean> {
  return person !== null && pin !== null && (await pins.verify(person, pin))
}

/** Who confirms signs the very revision that they signed before; anybody else the one that stands. */
function closedRevision({ documents, context }: DeskParts, { head }: KnownHandover, signing: Signing): ToSign {
  const written = documents.of(head.id)
  const own = written.signatures.map(({ signature }) => signature).filter(({ by }) => by === context.device)
  const [confirmed] = own.filter((one) => isConfirmedBy(one, signing)).sort((a, b) => b.revision - a.revision)
  if (confirmed) return { digest: confirmed.handover, revision: confirmed.revision }
  const { standing } = signingOf(head, written)
  const signed = standing.find(({ digest }) => own.some(({ handover }) => handover === digest)) ?? standing[0]
  if (!signed) throw new WaybillError('HANDOVER_CLOSED', `handover ${head.id.slice(0, 8)} is closed`)
  return { digest: signed.digest, revision: signed.handover.revision }
}

function isConfirmedBy(before: HandoverSignature, { person, verified, agrees, remark }: Signing): boolean {
  const isSamePerson = before.person?.id === person?.id && before.person?.name === person?.name
  return verified && !before.verified && isSamePerson && before.agrees === agrees && before.remark === remark
}

async function nextToSign(parts: DeskParts, known: KnownHandover, log: PersonAct[]): Promise<ToSign> {
  const newest = newestOf(parts.documents.of(known.head.id).revisions)
  const handover = { ...nextRevision(parts, known), log }
  const content = contentDigest(handover)
  const same = newest.find((revision) => revision.content === content)
  if (same) return { digest: same.digest, revision: same.handover.revision }
  const signed = await signDocument('handover', handover, parts.context.signer)
  try {
    readDocument(signed.jws, 'handover')
  } catch (cause) {
    throw new WaybillError('TOO_LARGE', 'the handover is larger than a document can be', { cause })
  }
  return { digest: signed.digest, revision: handover.revision, made: { signed, handover } }
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
