import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { WaybillError } from '../service/errors.ts'
import { Digest } from './fields.ts'

/** What a one-time code says: the study to pin, the secret, and where the server is. */
export const EnrolCode = Type.Object(
  {
    study: Digest,
    secret: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
    addresses: Type.Array(Type.String({ pattern: '^[^\\s/]{1,253}:\\d{1,5}$' }), { maxItems: 16 }),
  },
  { additionalProperties: false },
)
export type EnrolCode = Static<typeof EnrolCode>

const prefix = 'waybill1.'

/** One line without spaces, to be pasted, typed to standard input or scanned. */
export function writeEnrolCode(code: EnrolCode): string {
  return prefix + Buffer.from(JSON.stringify(code)).toString('base64url')
}

/** @throws BAD_ARGUMENT */
export function readEnrolCode(text: string): EnrolCode {
  const given = text.trim()
  let code: unknown
  try {
    code = given.startsWith(prefix)
      ? JSON.parse(Buffer.from(given.slice(prefix.length), 'base64url').toString())
      : undefined
  } catch {
    code = undefined
  }
  if (!Value.Check(EnrolCode, code))
    throw new WaybillError('BAD_ARGUMENT', 'this is no code of waybill enrol-code, or a part of it is missing')
  return code
}
