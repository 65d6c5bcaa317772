import type { TSchema } from '@sinclair/typebox'
import type { Problem } from './problem.ts'

/**
 * Fields that a schema does not know, however deep: a misspelt one would be carried, and do nothing. Where the schema itself allows no
 * other field it tells of them, and nothing is told twice.
 */
export function unknownFields(schema: TSchema, given: unknown, path = ''): Problem[] {
  if (schema.anyOf) return unknownFields(objectOf(schema), given, path)
  if (Array.isArray(given))
    return schema.items ? given.flatMap((item, at) => unknownFields(schema.items, item, `${path}/${at}`)) : []
  if (typeof given !== 'object' || given === null) return []
  const [anyName] = Object.values<TSchema>(schema.patternProperties ?? {})
  if (!schema.properties && !anyName) return []
  return Object.entries(given).flatMap(([name, value]) => {
    const inner = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : anyName
    const at = `${path}/${name}`
    if (inner) return unknownFields(inner, value, at)
    return schema.additionalProperties === false ? [] : [{ field: at, what: 'not a setting' }]
  })
}

/** Of a field that may be null: what it is otherwise. */
function objectOf(schema: TSchema): TSchema {
  return schema.anyOf.find((one: TSchema) => one.properties ?? one.patternProperties ?? one.items) ?? {}
}
