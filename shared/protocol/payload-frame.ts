import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { WaybillError } from '../service/errors.ts'
import { Digest, Nullable } from './fields.ts'
import { maxPayloadBytes } from './payload.ts'

/** At most this many payloads in one answer. */
export const mostPayloads = 100
const Bytes = Type.Integer({ minimum: 0, maximum: maxPayloadBytes })

/** Which payloads a courier asks for, in this order; of the first it has `offset` bytes already. */
export const PayloadRequest = Type.Object(
  { digests: Type.Array(Digest, { minItems: 1, maxItems: mostPayloads }), offset: Bytes },
  { additionalProperties: false },
)
export type PayloadRequest = Static<typeof PayloadRequest>

/** What comes before a payload's bytes, which begin at `offset`; `size` is of all of it, and null where the laptop lost it. */
export const PayloadFrame = Type.Object(
  { digest: Digest, offset: Bytes, size: Nullable(Bytes) },
  { additionalProperties: false },
)
export type PayloadFrame = Static<typeof PayloadFrame>

export const payloadsType = 'application/vnd.waybill.payloads'
const check = TypeCompiler.Compile(PayloadFrame)

/** The head line of a payload. */
export function writePayloadHead(head: PayloadFrame): Buffer {
  return Buffer.from(`${JSON.stringify(head)}\n`)
}

/** Reads a head line. @throws BAD_DOCUMENT naming the field */
export function readPayloadHead(line: string): { head: PayloadFrame; size: number } {
  let head: unknown
  try {
    head = JSON.parse(line)
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', 'payload frame: head is not JSON', { cause })
  }
  if (!check.Check(head)) {
    const first = check.Errors(head).First()
    throw new WaybillError('BAD_DOCUMENT', `payload frame: ${first?.path} ${first?.message}`)
  }
  return { head, size: Math.max(0, (head.size ?? 0) - head.offset) }
}
