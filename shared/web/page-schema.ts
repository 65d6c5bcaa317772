import { type Static, type TSchema, Type } from '@sinclair/typebox'

/**
 * Or null, in what a page is answered. Not `Nullable` of the documents: a serializer that chooses between two forms compiles its
 * choice at the first answer, and a person with a scanner in the hand would wait for that.
 */
export function OrNull<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T> | null>({ ...schema, nullable: true })
}

/** One of these words; written as `OrNull` is, and for the same reason. */
export function OneOf<const T extends string>(words: readonly T[]) {
  return Type.Unsafe<T>(Type.String({ enum: words }))
}
