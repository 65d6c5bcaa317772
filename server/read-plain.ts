import { isUtf8 } from 'node:buffer'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { openPayload } from '../shared/crypto/seal.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { PayloadHead } from '../shared/protocol/payload.ts'
import { WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'

/** By what a sealed batch is opened. */
export interface PlainContext {
  payloads: PayloadStore
  identity: Identity
}

/**
 * A batch's plain text, as it was sealed, and the lines of it that follow the head, without their ends; each is cut out when it is asked
 * for.
 */
export interface Plain {
  plain: Buffer
  lines: Iterable<Buffer>
}

const mostHeaderBytes = 4096
const newline = 0x0a
const headCheck = TypeCompiler.Compile(PayloadHead)

/**
 * Opens a batch, storing nothing. It needs no database.
 * @throws PAYLOAD_REFUSED, BAD_DOCUMENT for another version, NOT_FOUND or DIGEST_MISMATCH for what this disk lost
 */
export async function readPlain({ payloads, identity }: PlainContext, manifest: Manifest): Promise<Plain> {
  if (manifest.v !== 1) throw new WaybillError('BAD_DOCUMENT', `a batch of version ${manifest.v}`)
  const { sealing, recovery } = identity.secrets
  const identities = [sealing, recovery].filter((key) => typeof key === 'string')
  const sealed = await readSealed(payloads, manifest)
  checkSealHeader(sealed)
  const plain = await openPayload(sealed, identities, manifest.plain)
  if (plain.at(-1) !== newline) throw new WaybillError('PAYLOAD_REFUSED', 'the last line does not end')
  const headEnd = plain.indexOf(newline)
  checkHead(plain.subarray(0, headEnd), manifest)
  const lines = { [Symbol.iterator]: () => linesFrom(plain, headEnd + 1) }
  const [count, told] = [countLines(plain) - 1, manifest.changes + manifest.handovers.length]
  if (count !== told) throw new WaybillError('PAYLOAD_REFUSED', `${count} lines, the manifest says ${told}`)
  return { plain, lines }
}

/** @throws NOT_FOUND, DIGEST_MISMATCH; STORAGE_FAILED where the disk cannot say */
async function readSealed(payloads: PayloadStore, { payload }: Manifest): Promise<Buffer> {
  const sealed = await payloads.read(payload.digest).catch((error: WaybillError) => {
    const isGone = error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT'
    throw isGone ? error : new WaybillError('STORAGE_FAILED', error.message, { cause: error })
  })
  if (sha256(sealed) !== payload.digest)
    throw new WaybillError('DIGEST_MISMATCH', `stored payload ${payload.digest} does not hash to its name`)
  return sealed
}

/** age tries every recipient line of its header: a header of megabytes would take minutes. Ours name at most 16. */
function checkSealHeader(sealed: Buffer): void {
  if (sealed.subarray(0, mostHeaderBytes).indexOf('\n--- ') < 0)
    throw new WaybillError('PAYLOAD_REFUSED', 'the payload is not sealed with age to at most 16 recipients')
}

function* linesFrom(plain: Buffer, first: number): Generator<Buffer> {
  for (let start = first; start < plain.length; ) {
    const end = plain.indexOf(newline, start)
    yield plain.subarray(start, end)
    start = end + 1
  }
}

function countLines(plain: Buffer): number {
  let count = 0
  for (let end = plain.indexOf(newline); end >= 0; end = plain.indexOf(newline, end + 1)) count++
  return count
}

/** Stolen bytes under another's manifest do not open: the first line names whose they are (DESIGN, payload). */
function checkHead(line: Buffer, { study, producer, chain, seq }: Manifest): void {
  const head = parse(line)
  const own =
    headCheck.Check(head) &&
    head.study === study &&
    head.producer === producer &&
    head.chain === chain &&
    head.seq === seq
  if (!own) throw new WaybillError('PAYLOAD_REFUSED', 'the payload was sealed for another place than its manifest says')
}

function parse(line: Buffer): unknown {
  try {
    return isUtf8(line) ? JSON.parse(line.toString()) : undefined
  } catch {
    return undefined
  }
}
