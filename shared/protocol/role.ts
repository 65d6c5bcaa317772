import { type Static, Type } from '@sinclair/typebox'

/** Who a device is. `issuer` signs devices; the study's authority itself has no device. */
export const Role = Type.Union([
  Type.Literal('issuer'),
  Type.Literal('field'),
  Type.Literal('relay'),
  Type.Literal('server'),
  Type.Literal('central'),
])
export type Role = Static<typeof Role>
