import { type Static, Type } from '@sinclair/typebox'
import { Digest, Jws, Nullable } from './fields.ts'

/** Handovers and signatures that are given to a server, and the credentials of whoever signed them. */
export const GivenHandovers = Type.Object(
  {
    v: Type.Literal(1),
    documents: Type.Array(Jws, { maxItems: 200 }),
    credentials: Type.Array(Jws, { maxItems: 200 }),
  },
  { additionalProperties: false },
)
export type GivenHandovers = Static<typeof GivenHandovers>

/** The server's receipt for what it has on its disk now, null where that is nothing, and what it refused. */
export const TakenHandovers = Type.Object({
  receipt: Nullable(Jws),
  refused: Type.Array(Type.Object({ digest: Digest, code: Type.String(), message: Type.String() })),
})
export type TakenHandovers = Static<typeof TakenHandovers>
