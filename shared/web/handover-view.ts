import { type Static, Type } from '@sinclair/typebox'
import type { HandoverDesk, HandoverView, ShownRevision } from '../handover/desk.ts'
import { countsIn } from '../handover/tubes-in.ts'
import { Count, DeviceId, Digest, Label, Nonce, Seq, Time } from '../protocol/fields.ts'
import { type Handover, LineKey, scanAnswers, type TubeState, tubeStates } from '../protocol/handover.ts'
import { Reason } from '../protocol/study-document.ts'
import { OneOf, OrNull } from './page-schema.ts'

const mostDifferences = 50

const Text = Type.String()
const Counts = Type.Object(
  Object.fromEntries(tubeStates.map((state) => [state, Count])) as Record<TubeState, typeof Count>,
)
const Signed = OneOf(['no', 'one', 'both', 'differently'])
const State = OneOf(tubeStates)
const Person = Type.Object({ id: OrNull(Label), name: Label })

/** A tube as a page shows it. */
const PageTube = Type.Object({
  line: OrNull(LineKey),
  label: Text,
  subject: OrNull(Text),
  panel: OrNull(Text),
  specimenType: OrNull(Text),
  state: State,
  tubes: OrNull(Type.Number()),
  counted: OrNull(Count),
  isShort: Type.Boolean(),
  reason: OrNull(Text),
  text: OrNull(Text),
  laptop: OrNull(Text),
  alsoWith: OrNull(Text),
  drawnAt: OrNull(Text),
  minutesLeft: OrNull(Type.Integer()),
  doubtful: Type.Boolean(),
})

const PageSignature = Type.Object({
  handover: Digest,
  by: DeviceId,
  meaning: OneOf(['handedOver', 'received']),
  person: OrNull(Person),
  verified: Type.Boolean(),
  agrees: Type.Boolean(),
  remark: OrNull(Text),
  at: Time,
})

/** A revision without its lines; where there are two of its number, what the other one has differently or not at all. */
const PageRevision = Type.Object({
  digest: Digest,
  revision: Seq,
  at: Time,
  counts: Counts,
  hasTwin: Type.Boolean(),
  differences: Type.Array(Type.Object({ label: Text, state: State })),
  signatures: Type.Array(PageSignature),
})
type PageRevision = Static<typeof PageRevision>

/** One handover, as a page shows it. */
export const PageView = Type.Object({
  side: OneOf(['giver', 'taker']),
  id: Nonce,
  giver: DeviceId,
  taker: DeviceId,
  began: Time,
  giverName: Text,
  takerName: Text,
  tubes: Type.Array(PageTube),
  /** So many more are not yet scanned, and not in `tubes`. */
  unlisted: Count,
  counts: Counts,
  temperature: OrNull(Type.Number()),
  question: OrNull(Type.Object({ ask: OneOf(['count', 'reason']), tube: PageTube })),
  signed: Signed,
  isDisputed: Type.Boolean(),
  revisions: Type.Array(PageRevision),
  bareSignatures: Type.Array(PageSignature),
  isChangedSince: Type.Boolean(),
  isClosed: Type.Boolean(),
  heardAt: OrNull(Time),
  otherPerson: OrNull(Person),
  reasons: Type.Array(Reason),
  /** Null where the study asks for no temperature. */
  temperatureLimits: OrNull(Type.Object({ lowest: Type.Number(), highest: Type.Number() })),
})
export type PageView = Static<typeof PageView>

/** What a page answers to an act of a person. */
export const PageAnswer = Type.Object({
  told: OneOf([
    ...scanAnswers,
    ...(['counted', 'missing', 'remarked', 'temperature', 'undone', 'nothingToUndo'] as const),
    ...(['askReason', 'askSign', 'notUnderstood'] as const),
  ]),
  tube: OrNull(PageTube),
  view: PageView,
})
export type PageAnswer = Static<typeof PageAnswer>

const PageClosed = Type.Object({
  id: Nonce,
  began: Time,
  signed: Signed,
  isDisputed: Type.Boolean(),
  counts: OrNull(Counts),
  tubes: OrNull(Count),
  signatures: Type.Array(PageSignature),
})

/** Another laptop, how far the handover with it is, and the last one that is closed. */
const PagePartner = Type.Object({
  device: DeviceId,
  name: Text,
  isHere: Type.Boolean(),
  expected: Count,
  open: OrNull(Nonce),
  counts: OrNull(Counts),
  signed: Signed,
  openLabels: Type.Array(Text),
  aboard: Count,
  last: OrNull(PageClosed),
})

/** Who is on shift, and whether this laptop knows a PIN of theirs. */
export const PageShift = Type.Object({ person: OrNull(Person), hasPin: Type.Boolean() })

/** What the first screen of a laptop tells of handovers. */
export const PageOverview = Type.Object({ shift: PageShift, partners: Type.Array(PagePartner) })
export type PageOverview = Static<typeof PageOverview>

/** The people of the study whose names hold what was typed. */
export const PagePeople = Type.Object({ people: Type.Array(Type.Object({ id: Label, name: Label, role: Label })) })

/** A handover without what a page does not show. */
export function pageView(desk: HandoverDesk, view: HandoverView): PageView {
  return {
    ...view,
    side: desk.side,
    revisions: view.revisions.map((revision) => pageRevision(revision, view.revisions)),
    reasons: desk.reasons(),
    temperatureLimits: desk.study().temperature,
  }
}

/** Who is near to do a handover with, who is on shift, and what is open still. */
export function pageOverview(desk: HandoverDesk): PageOverview {
  const partners = desk.partners().map((partner) => ({ ...partner, open: partner.open?.id ?? null }))
  return { shift: desk.shift(), partners }
}

function pageRevision({ digest, handover, signatures }: ShownRevision, all: ShownRevision[]): PageRevision {
  const twins = all.filter((other) => other.handover.revision === handover.revision && other.digest !== digest)
  return {
    ...{ digest, revision: handover.revision, at: handover.at },
    counts: countsIn(handover),
    hasTwin: twins.length > 0,
    differences: twins.length > 0 ? differences(handover, twins) : [],
    signatures,
  }
}

/** What is said in this revision and not, or not so, in every other one of its number. */
function differences(handover: Handover, twins: ShownRevision[]): PageRevision['differences'] {
  const others = twins.map((twin) => new Set(statements(twin.handover).map(({ said }) => said)))
  return statements(handover)
    .filter(({ said }) => others.some((other) => !other.has(said)))
    .slice(0, mostDifferences)
    .map(({ label, state }) => ({ label, state }))
}

function statements({ lines, strays }: Handover): Array<{ said: string; label: string; state: TubeState }> {
  return [
    ...lines.map((line) => ({
      said: JSON.stringify([line.model, line.pk, line.state, line.counted, line.reason, line.text]),
      ...{ label: line.requisition ?? line.pk, state: line.state },
    })),
    ...strays.map(({ label, state, reason, text }) => ({
      said: JSON.stringify([label, state, reason, text]),
      label,
      state,
    })),
  ]
}
