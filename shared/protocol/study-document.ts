import { type Static, Type } from '@sinclair/typebox'
import { AgeRecipient, Count, DeviceId, Digest, documentCore, Label, Nonce, Nullable, Seq, Time } from './fields.ts'
import { Role } from './role.ts'

/** Which fields of a model make a requisition's visible line: our name -> the app's field. */
export const RequisitionMapping = Type.Object(
  {
    identifier: Label,
    subject: Type.Optional(Label),
    panel: Type.Optional(Label),
    specimenType: Type.Optional(Label),
    tubes: Type.Optional(Label),
    isDrawn: Type.Optional(Label),
    reasonNotDrawn: Type.Optional(Label),
    drawnAt: Type.Optional(Label),
    stabilityMinutes: Type.Optional(Type.Union([Label, Count])),
  },
  { additionalProperties: false },
)
export type RequisitionMapping = Static<typeof RequisitionMapping>

/**
 * Why a tube is not there, or not as it should be. `closes`: it will not come with a later driver, so it is not expected again.
 */
export const Reason = Type.Object({ code: Label, words: Label, closes: Type.Boolean() })
export type Reason = Static<typeof Reason>

/** A field of a model, as the app names it. */
const Field = Type.String({ minLength: 1, maxLength: 200 })

/**
 * What the study says of one of the app's models. `naturalKey`: the fields that make it, in order. `dependsOn`: fields that name records of
 * other models, by natural key (an array), by several (an array of arrays) or by pk (a plain value). `history`: earlier states are shown.
 * `offline`: laptops record it, which they do unless told otherwise. `hidden`: fields that no page and no table shows.
 */
const Model = Type.Object({
  label: Type.Optional(Label),
  naturalKey: Type.Optional(Type.Array(Field, { maxItems: 32 })),
  dependsOn: Type.Optional(Type.Record(Field, Label)),
  history: Type.Optional(Type.Boolean()),
  offline: Type.Optional(Type.Boolean()),
  hidden: Type.Optional(Type.Array(Field, { maxItems: 500 })),
  requisition: Type.Optional(RequisitionMapping),
})

const Limits = Type.Object({
  batchChanges: Type.Integer({ minimum: 1, maximum: 5000 }),
  batchBytes: Type.Integer({ minimum: 1024, maximum: 1_048_576 }),
  sealAfterSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
  retentionHours: Type.Integer({ minimum: 0, maximum: 87_600 }),
  producerBytes: Type.Integer({ minimum: 1_048_576 }),
})

/** The part that a person writes and publishes. */
export const StudySettings = Type.Object({
  name: Label,
  sites: Type.Array(Type.Object({ id: Label, name: Label }), { maxItems: 1000 }),
  models: Type.Record(Label, Model),
  reasons: Type.Array(Reason, { maxItems: 30 }),
  /** A cool box's temperature is asked for once a handover, where a study wants it; outside the limits it is told. */
  temperature: Nullable(Type.Object({ lowest: Type.Number(), highest: Type.Number() })),
  people: Type.Array(Type.Object({ id: Label, name: Label, role: Label }), { maxItems: 10_000 }),
  limits: Limits,
})
export type StudySettings = Static<typeof StudySettings>

export const Revocation = Type.Object({
  device: DeviceId,
  chains: Type.Array(Type.Object({ chain: Nonce, throughSeq: Count, digest: Nullable(Digest) }), { maxItems: 1000 }),
  reason: Label,
})
export type Revocation = Static<typeof Revocation>

/** The signed, versioned text that every node carries. A node never takes an older one; it forks for nobody. */
export const StudyDocument = Type.Object({
  ...documentCore,
  ...StudySettings.properties,
  version: Seq,
  previous: Nullable(Digest),
  at: Time,
  devices: Type.Record(DeviceId, Type.Object({ name: Label, role: Role, site: Nullable(Label) })),
  servers: Type.Array(DeviceId, { maxItems: 1000 }),
  recipients: Type.Array(Type.Object({ id: Digest, key: AgeRecipient, site: Nullable(Label), holder: Label }), {
    minItems: 1,
    maxItems: 1000,
  }),
  minimumEpoch: Type.Partial(Type.Record(Role, Count)),
  revocations: Type.Array(Revocation, { maxItems: 10_000 }),
})
export type StudyDocument = Static<typeof StudyDocument>
