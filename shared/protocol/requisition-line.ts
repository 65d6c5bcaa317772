import { type Static, Type } from '@sinclair/typebox'
import { Label, Nonce, Nullable, Time } from './fields.ts'

const Scalar = Type.Union([Type.String({ maxLength: 500 }), Type.Number(), Type.Boolean(), Type.Null()])

/** What the study document makes visible of a requisition; nothing else of a change is readable on the way. */
export const VisibleFields = Type.Object(
  {
    subject: Type.Optional(Scalar),
    panel: Type.Optional(Scalar),
    specimenType: Type.Optional(Scalar),
    tubes: Type.Optional(Scalar),
    isDrawn: Type.Optional(Scalar),
    reasonNotDrawn: Type.Optional(Scalar),
    drawnAt: Type.Optional(Scalar),
    stabilityMinutes: Type.Optional(Scalar),
  },
  { additionalProperties: false },
)
export type VisibleFields = Static<typeof VisibleFields>

/** The visible line of a requisition, keyed by model and pk: an undrawn requisition has no identifier yet. */
export const RequisitionLine = Type.Object({
  requisition: Nullable(Label),
  model: Label,
  pk: Label,
  changeId: Label,
  action: Type.Union([Type.Literal('insert'), Type.Literal('update'), Type.Literal('delete')]),
  fields: VisibleFields,
})
export type RequisitionLine = Static<typeof RequisitionLine>

/**
 * A line as the laptop that made it serves it. `handedOver`: the tubes went with a signed handover when the requisition was at that
 * change; a line that has not changed since is not served. `doubtful`: the laptop's clock contradicts the time that it was drawn.
 */
export const OpenLine = Type.Object({
  ...RequisitionLine.properties,
  handedOver: Nullable(Type.Object({ handover: Nonce, changeId: Label, at: Time })),
  doubtful: Type.Boolean(),
})
export type OpenLine = Static<typeof OpenLine>
