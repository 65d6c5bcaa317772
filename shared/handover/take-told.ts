import canonicalize from 'canonicalize'
import { documentDigest } from '../crypto/sign-document.ts'
import { checkStanding } from '../crypto/standing.ts'
import type { Verified } from '../crypto/trust.ts'
import type { HandoverExchange, HandoverHead } from '../protocol/handover.ts'
import { asWaybillError, WaybillError } from '../service/errors.ts'
import type { DeskParts } from './desk-parts.ts'
import { keepDocuments } from './keep-documents.ts'
import { takeActs } from './take-acts.ts'
import { type HandoverDocument, isHandover, verifyHandoverDocument } from './verify-document.ts'

/** One laptop writes and signs no more than so many documents in a handover. */
const mostDocuments = 250

/**
 * Takes what the other laptop told in a handover: each act and each document on its own, so that a bad one stops no other
 * (invariant 8). What was taken is on disk when this resolves.
 * @returns why something was not taken
 */
export async function takeTold(parts: DeskParts, head: HandoverHead, told: HandoverExchange): Promise<WaybillError[]> {
  if (parts.handovers.get(head.id).isWiped) return []
  const problems = takeActs(parts, head, told)
  const attempt = async <T>(act: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await act()
    } catch (error) {
      problems.push(asWaybillError(error))
      return undefined
    }
  }
  const { trust } = parts.context
  const kept = digestsOf(parts, head.id)
  const news = told.documents.filter((jws) => !kept.has(documentDigest(jws)))
  if (news.length > 0) for (const jws of issuersFirst(told.credentials)) await attempt(() => trust.admitAll([jws]))
  const verified: HandoverDocument[] = []
  for (const jws of news) {
    const document = await attempt(() => verifyHandoverDocument(trust, jws))
    if (document) verified.push(document)
  }
  for (const document of verified.sort((a, b) => rankOf(a) - rankOf(b)))
    await attempt(() => takeDocument(parts, head, document))
  return problems
}

/** The digests of all that was written down and signed in a handover. */
export function digestsOf({ documents }: DeskParts, id: string): Set<string> {
  const { revisions, signatures } = documents.of(id)
  return new Set([...revisions, ...signatures].map(({ digest }) => digest))
}

/** Revisions before what is signed under them, the older ones first. */
function rankOf({ document }: HandoverDocument): number {
  return 'giver' in document ? document.revision : Number.POSITIVE_INFINITY
}

function takeDocument(parts: DeskParts, head: HandoverHead, document: HandoverDocument): void {
  const { context, documents } = parts
  checkStanding(context.shelf.document, document.signer)
  // Another message may have brought it meanwhile.
  if (digestsOf(parts, head.id).has(document.digest)) return
  const { device: by } = document.signer
  if (by !== head.giver && by !== head.taker) throw refusal('neither laptop of this handover signed it')
  const { revisions, signatures } = documents.of(head.id)
  const own = [...revisions.map((one) => one.by), ...signatures.map(({ signature }) => signature.by)]
  if (own.filter((device) => device === by).length >= mostDocuments)
    throw new WaybillError('QUOTA_EXCEEDED', `more than ${mostDocuments} documents of one laptop in one handover`)
  if (isHandover(document)) {
    checkRevision(parts, head, document)
    keepDocuments(parts, head.id, { revision: { signed: document, by, handover: document.document } })
  } else {
    checkSignature(parts, head, document)
    keepDocuments(parts, head.id, { signature: { signed: document, signature: document.document } })
  }
}

/** A revision is of this handover, follows one that is here, and tells no acts of ours that we never did. */
function checkRevision(
  { documents, acts, context }: DeskParts,
  head: HandoverHead,
  { document }: Verified<'handover'>,
) {
  const { id, giver, taker, began, revision, previous } = document
  if (canonicalize({ id, giver, taker, began }) !== canonicalize(head)) throw refusal('a revision of another handover')
  const before = documents.of(id).revisions.find(({ digest }) => digest === previous)
  if (previous === null ? revision !== 1 : before?.handover.revision !== revision - 1)
    throw refusal(`revision ${revision} does not follow one that is here`)
  const own = new Map(acts.of(id).map((act) => [act.number + act.device, act]))
  for (const act of document.acts.filter(({ device }) => device === context.device))
    if (canonicalize(own.get(act.number + act.device) ?? null) !== canonicalize(act))
      throw refusal(`it tells act ${act.number} of this laptop otherwise than it was`)
}

function checkSignature({ documents }: DeskParts, head: HandoverHead, { document }: Verified<'signature'>): void {
  const named = documents.of(head.id).revisions.find(({ digest }) => digest === document.handover)
  if (document.id !== head.id || named?.handover.revision !== document.revision)
    throw refusal('a signature under no revision that is here')
}

/** Issuers' credentials come before those that they signed. */
function issuersFirst(credentials: string[]): string[] {
  const isIssuer = (jws: string) => Buffer.from(jws.split('.')[1] ?? '', 'base64url').includes('"role":"issuer"')
  return credentials.toSorted((a, b) => Number(isIssuer(b)) - Number(isIssuer(a)))
}

function refusal(why: string): WaybillError {
  return new WaybillError('BAD_DOCUMENT', `handover: ${why}`)
}
