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
  },
  { additionalProperties: false },
)
export type BatchHead = Static<typeof BatchHead>

const maxHeadBytes = 1_048_576
/** The largest frame, in bytes. */
export const maxFrameBytes = maxHeadBytes + 1 + maxPayloadBytes
export const frameType = 'application/vnd.waybill.batch'
const head = TypeCompiler.Compile(BatchHead)

/** One line of JSON, a newline, then the sealed bytes to the end. */
export function writeFrame(batch: BatchHead, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(batch)}\n`), payload])
}

/** Splits a frame. @throws BAD_DOCUMENT naming the field */
export function readFrame(frame: Buffer): { batch: BatchHead; payload: Buffer } {
  const end = frame.subarray(0, maxHeadBytes + 1).indexOf(0x0a)
  if (end < 0) throw new WaybillError('BAD_DOCUMENT', 'batch frame: no head line')
  let batch: unknown
  try {
    batch = JSON.parse(frame.toString('utf8', 0, end))
  } catch (cause) {
    throw new WaybillError('BAD_DOCUMENT', 'batch frame: head is not JSON', { cause })
  }
  if (!head.Check(batch)) {
    const first = head.Errors(batch).First()
    throw new WaybillError('BAD_DOCUMENT', `batch frame: ${first?.path} ${first?.message}`)
  }
  return { batch, payload: frame.subarray(end + 1) }
}
