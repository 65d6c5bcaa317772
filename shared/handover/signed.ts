import type { HandoverHead, HandoverSignature } from '../protocol/handover.ts'
import type { Signed } from './desk.ts'
import type { Revision, Written } from './document-book.ts'

/** Where the signing of a handover stands. */
export interface Signing {
  /** `both`: the newest revision that either signed says what the other signed too. One that nobody signed says nothing. */
  signed: Signed
  /** The newest revisions that somebody signed; several where two were written at once. */
  standing: Revision[]
  /** Somebody signed that very one, did not agree with it, and has not agreed since. */
  isDisputed: boolean
}

/** A pure function of the set of documents, the same whatever the order in which they came. */
export function signingOf(head: HandoverHead, written: Written): Signing {
  const { signed, standing } = standingOf(head, written)
  // The driver's laptop forgets revisions once a server has them; signatures stay.
  const newest = written.signatures.reduce((most, { signature }) => Math.max(most, signature.revision), 0)
  const last = written.signatures.filter(({ signature }) =>
    standing.length > 0 ? standing.some(({ digest }) => digest === signature.handover) : signature.revision === newest,
  )
  const agreed = new Set(last.flatMap(({ signature }) => (signature.agrees ? [signature.by] : [])))
  return { signed, standing, isDisputed: last.some(({ signature }) => !agreed.has(signature.by)) }
}

function standingOf(
  { giver, taker }: HandoverHead,
  { revisions, signatures }: Written,
): Pick<Signing, 'signed' | 'standing'> {
  const signers = new Set(signatures.map(({ signature }) => signature.by))
  if (revisions.length === 0 && signers.size > 0) return { signed: signers.size === 1 ? 'one' : 'both', standing: [] }
  const signedBy = (device: string) => {
    const digests = new Set(signatures.flatMap(({ signature: s }) => (s.by === device ? [s.handover] : [])))
    return newestOf(revisions.filter(({ digest }) => digests.has(digest)))
  }
  const [ofGiver, ofTaker] = [signedBy(giver), signedBy(taker)]
  const standing = newestOf([...ofGiver, ...ofTaker.filter((revision) => !ofGiver.includes(revision))])
  if (ofGiver.length === 0 || ofTaker.length === 0) return { signed: standing.length === 0 ? 'no' : 'one', standing }
  const contents = new Set(ofGiver.map(({ content }) => content))
  const agreed = ofTaker.filter(({ content }) => contents.has(content))
  const isSame = numberOf(ofGiver) === numberOf(ofTaker) && agreed.length > 0
  return isSame ? { signed: 'both', standing: agreed } : { signed: 'differently', standing }
}

/** Of several signatures that differ only in being verified, the one that is. */
export function bestOf(signatures: HandoverSignature[]): HandoverSignature[] {
  const best = new Map<string, HandoverSignature>()
  for (const signature of signatures) {
    const { handover, by, person, agrees, remark } = signature
    const name = JSON.stringify([handover, by, person, agrees, remark])
    if (!best.get(name)?.verified) best.set(name, signature)
  }
  return [...best.values()]
}

/** Those with the highest number. */
export function newestOf(revisions: Revision[]): Revision[] {
  const number = numberOf(revisions)
  return revisions.filter(({ handover }) => handover.revision === number)
}

function numberOf(revisions: Revision[]): number {
  return revisions.reduce((most, { handover }) => Math.max(most, handover.revision), 0)
}
