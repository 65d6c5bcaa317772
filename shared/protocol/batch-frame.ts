import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { WaybillError } from '../service/errors.ts'
import { Head } from './custody-receipt.ts'
import { Jws, Nullable, Time } from './fields.ts'
import { maxPayloadBytes } from './payload.ts'

/** What a courier hands on with the sealed bytes: `path` is the giver's custody receipts, hop 1 first. */
export const BatchHead = Type.Object(
  {
    v: Type.Literal(1),
    manifest: Jws,
    path: Type.Array(Jws, { maxItems: 64 }),
    credentials: Type.Array(Jws, { maxItems: 130 }),
    at: Nullable(Time),
    head: Nullable(Head),
    /** Of the sealed bytes that follow. */
    size: Type.Integer({ minimum: 0, maximum: maxPayloadBytes }),
  },
  { additionalProperties: false },
)
export type BatchHead = Static<typeof BatchHead>

/** At most this many batches in one request. */
export const mostBatches = 100
export const batchesType = 'application/vnd.waybill.batches'
const check = TypeCompiler.Compile(BatchHead)

/** The line that the sealed bytes follow. */
export function writeBatchHead(head: BatchHead): Buffer {
  return Buffer.from(`${JSON.stringify(head)}\n`)
}

/** Reads such a line. @throws BAD_DOCUMENT naming the field */
export function readBatchHead(line: string): { head: BatchHead; size: number } {
  let head: unknown
  try {
    head = JSON.parse(line)
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', 'batch frame: head is not JSON', { cause })
  }
  if (!check.Check(head)) {
    const first = check.Errors(head).First()
    throw new WaybillError('BAD_DOCUMENT', `batch frame: ${first?.path} ${first?.message}`)
  }
  return { head, size: head.size }
}
