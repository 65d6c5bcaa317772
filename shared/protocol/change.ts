import { type Static, Type } from '@sinclair/typebox'
import { Label, Time } from './fields.ts'

const Scalar = Type.Union([Type.String({ maxLength: 10_000 }), Type.Number(), Type.Boolean(), Type.Null()])

/** The largest change, as canonical JSON, in bytes. */
export const maxChangeBytes = 1_048_576

/** One insert, update or delete of one record, as the app made it. */
export const Change = Type.Object(
  {
    id: Label,
    model: Type.String({ pattern: '^[A-Za-z0-9_]+(\\.[A-Za-z0-9_]+)*$', maxLength: 200 }),
    action: Type.Union([Type.Literal('insert'), Type.Literal('update'), Type.Literal('delete')]),
    pk: Label,
    naturalKey: Type.Array(Scalar, { maxItems: 32 }),
    fields: Type.Record(Type.String({ maxLength: 200 }), Type.Unknown()),
    base: Type.Array(Label, { maxItems: 64 }),
    user: Type.String({ maxLength: 200 }),
    recordedAt: Time,
    reason: Type.Optional(Type.String({ maxLength: 1000 })),
    site: Type.Optional(Label),
    appVersion: Type.Optional(Label),
    opaque: Type.Optional(Type.String({ maxLength: maxChangeBytes })),
  },
  { additionalProperties: false },
)
export type Change = Static<typeof Change>
