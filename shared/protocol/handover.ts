import { type Static, Type } from '@sinclair/typebox'
import { Count, DeviceId, Digest, documentCore, Label, Nonce, Nullable, Seq, Time } from './fields.ts'

/** At most so many lines and acts are in one handover: a cool box holds fewer. Of the acts, each laptop makes at most half. */
export const mostLines = 2000
export const mostActs = 5000

/** Whoever acts or signs: one of the study's people, a name that was only typed (`id` is null), or nobody's. */
export const Person = Type.Object({ id: Nullable(Label), name: Label }, { additionalProperties: false })
export type Person = Static<typeof Person>

/** A requisition of the giver's, whatever it is called on paper. */
export const LineKey = Type.Object({ model: Label, pk: Label }, { additionalProperties: false })
export type LineKey = Static<typeof LineKey>

/** How a tube stands; each has exactly one, and nothing is said of a tube that is neither expected nor in hand. */
export const tubeStates = [
  'notYetScanned',
  'present',
  'missing',
  'unexpected',
  'anotherLaptop',
  'notDrawn',
  'changed',
] as const
export const TubeState = Type.Union(tubeStates.map((state) => Type.Literal(state)))
export type TubeState = (typeof tubeStates)[number]

/** What a scan was answered with; `again` asks how many labels are in the hand. */
export const scanAnswers = ['present', 'again', 'anotherLaptop', 'unexpected', 'changed', 'notDrawn'] as const
export type ScanAnswer = (typeof scanAnswers)[number]

const Reason = { reason: Label, text: Nullable(Label) }
const Text = Type.String({ minLength: 1, maxLength: 200 })
const Celsius = Type.Number({ minimum: -200, maximum: 200 })

/** What a person did. A scan keeps what was read, not what it was taken for: a list that comes later may know the label. */
const Deed = Type.Union([
  Type.Object({ kind: Type.Literal('scan'), text: Text, typed: Type.Boolean(), told: Label }),
  Type.Object({ kind: Type.Literal('count'), line: LineKey, old: Nullable(Count), new: Count }),
  Type.Object({ kind: Type.Literal('missing'), line: LineKey, old: TubeState, ...Reason }),
  Type.Object({ kind: Type.Literal('remark'), line: Nullable(LineKey), label: Nullable(Text), ...Reason }),
  Type.Object({ kind: Type.Literal('temperature'), old: Nullable(Celsius), new: Celsius }),
  Type.Object({ kind: Type.Literal('undo'), device: DeviceId, number: Seq }),
])
export type Deed = Static<typeof Deed>

/**
 * One act in a handover, by whoever was on shift (house rule 15). Named by (device, number): `number` counts a device's own acts
 * without a gap. `after` is greater than that of every act that the device had seen (Lamport 1978): acts are ordered by
 * (after, device), never by a clock. Nothing is erased: an undo strikes out.
 */
export const Act = Type.Object({
  device: DeviceId,
  number: Seq,
  after: Seq,
  at: Time,
  person: Nullable(Person),
  deed: Deed,
})
export type Act = Static<typeof Act>

/** What both laptops know of a handover from its beginning. The taker begins it. */
export const HandoverHead = Type.Object(
  { id: Nonce, giver: DeviceId, taker: DeviceId, began: Time },
  { additionalProperties: false },
)
export type HandoverHead = Static<typeof HandoverHead>

/** How a line of the giver's came out. `tubes` is what the data says, `counted` what was in the hand. */
export const HandoverLine = Type.Object({
  ...LineKey.properties,
  requisition: Nullable(Label),
  changeId: Label,
  state: TubeState,
  tubes: Nullable(Count),
  counted: Nullable(Count),
  reason: Nullable(Label),
  text: Nullable(Label),
})
export type HandoverLine = Static<typeof HandoverLine>

/** A label that is on none of the giver's lines; `device` is the laptop in whose list it is, as far as the taker knew. */
export const StrayLabel = Type.Object({
  label: Text,
  state: Type.Union([Type.Literal('unexpected'), Type.Literal('anotherLaptop')]),
  device: Nullable(DeviceId),
  reason: Nullable(Label),
  text: Nullable(Label),
})
export type StrayLabel = Static<typeof StrayLabel>

/** What a person does outside of a handover's own acts: takes the shift, chooses a PIN, begins or ends a handover (`about`). */
export const PersonAct = Type.Object({
  at: Time,
  person: Nullable(Person),
  kind: Type.Union([Type.Literal('shift'), Type.Literal('pin'), Type.Literal('begin'), Type.Literal('close')]),
  about: Nullable(Nonce),
})
export type PersonAct = Static<typeof PersonAct>

/**
 * What persons did on the signer's laptop that no document of it carries yet, in the order in which they did it (house rule 15). It
 * is no part of what people agree on.
 */
const Log = Type.Array(PersonAct, { maxItems: 100 })

/**
 * One revision of a handover as one laptop wrote it down, signed by that laptop; immutable. Its digest is what people sign. Two
 * of one revision are both kept and both shown.
 */
export const Handover = Type.Object({
  ...documentCore,
  ...HandoverHead.properties,
  revision: Seq,
  previous: Nullable(Digest),
  at: Time,
  studyVersion: Count,
  lines: Type.Array(HandoverLine, { maxItems: mostLines }),
  strays: Type.Array(StrayLabel, { maxItems: mostLines }),
  temperature: Nullable(Type.Number()),
  acts: Type.Array(Act, { maxItems: mostActs }),
  log: Log,
})
export type Handover = Static<typeof Handover>

/**
 * What a person put a name to, on one of the two laptops: `handedOver` on the giver's, `received` on the taker's. `verified`: by a
 * PIN that this laptop knew. The same person may confirm it later; nothing waits for that (invariant 11).
 */
export const HandoverSignature = Type.Object({
  ...documentCore,
  handover: Digest,
  id: Nonce,
  revision: Seq,
  by: DeviceId,
  meaning: Type.Union([Type.Literal('handedOver'), Type.Literal('received')]),
  person: Nullable(Person),
  verified: Type.Boolean(),
  agrees: Type.Boolean(),
  remark: Nullable(Label),
  at: Time,
  /** Empty where the revision was written down with it, and carries the log: a laptop that only signs writes none down. */
  log: Log,
})
export type HandoverSignature = Static<typeof HandoverSignature>

/** A server's proof that it has these handovers and signatures on its disk. */
export const HandoverReceipt = Type.Object({
  ...documentCore,
  server: DeviceId,
  documents: Type.Array(Digest, { minItems: 1, maxItems: 500 }),
  at: Time,
})
export type HandoverReceipt = Static<typeof HandoverReceipt>

/** How many of each device's acts somebody has. */
export const Seen = Type.Record(DeviceId, Count)
export type Seen = Static<typeof Seen>

/** What two laptops in a handover tell each other, the same in both directions; the taker asks. */
export const HandoverExchange = Type.Object(
  {
    v: Type.Literal(1),
    at: Time,
    head: HandoverHead,
    seen: Seen,
    /** Each is checked on its own, after the exchange itself: a bad one stops nothing else (invariant 8). */
    acts: Type.Array(Type.Unsafe<Act>(Type.Unknown()), { maxItems: mostActs }),
    /** Digests of the handovers and signatures that the speaker has of this handover. */
    have: Type.Array(Digest, { maxItems: 1000 }),
    /** Compact JWSs, each checked on its own too. */
    documents: Type.Array(Type.String(), { maxItems: 1000 }),
    credentials: Type.Array(Type.String(), { maxItems: 16 }),
    /** sha-256 of the giver's lines as served: another one means that the taker should ask for them again. */
    lines: Nullable(Digest),
    /** Who is on shift on the speaker's laptop. */
    person: Nullable(Person),
    /** The driver ended the handover, as far as the speaker knows. */
    ended: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type HandoverExchange = Static<typeof HandoverExchange>
/** The largest exchange, in bytes. */
export const maxExchangeBytes = 16 * 1024 * 1024
