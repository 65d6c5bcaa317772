import { type Static, Type } from '@sinclair/typebox'
import { Label, Nullable } from './fields.ts'

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
