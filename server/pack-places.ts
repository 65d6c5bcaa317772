import type { About } from './about-change.ts'
import { idHash } from './id-hash.ts'
import type { FoundChange } from './read-batch.ts'

/** Where a change is in its batch, by what it is recognised, and what applying needs to know of it. */
export interface Place extends Pick<FoundChange, 'number' | 'model' | 'pk' | 'action' | 'day'> {
  idHash: number
  digest: Buffer
  /** As JSON; null where there is nothing. */
  about: string | null
}

const actions = ['insert', 'update', 'delete'] as const
/** Number, id, digest, action, day, then how long model, pk and the rest are. */
const headBytes = 4 + 6 + 32 + 1 + 10 + 1 + 2 + 4

/** Room for a usual batch. */
const usualBytes = 131_072
/** UTF-8 has at most so many bytes for what JavaScript counts as one. */
const mostUtf8 = 3

/** Puts places into bytes, which pass between threads without being copied; of each change nothing else is kept. */
export function packPlaces(changes: Iterable<FoundChange>): Uint8Array<ArrayBuffer> {
  let bytes = Buffer.from(new ArrayBuffer(usualBytes))
  let end = 0
  for (const change of changes) {
    const about = change.about === undefined ? '' : JSON.stringify(change.about satisfies About)
    const most = headBytes + change.model.length + mostUtf8 * (change.pk.length + about.length)
    if (end + most > bytes.length) bytes = withRoom(bytes, end + most)
    end = write(bytes, end, change, about)
  }
  return new Uint8Array(bytes.buffer.transfer(end))
}

function withRoom({ buffer }: Buffer<ArrayBuffer>, least: number): Buffer<ArrayBuffer> {
  return Buffer.from(buffer.transfer(2 * least))
}

/** The places again. */
export function* unpackPlaces(packed: Uint8Array): Generator<Place> {
  const bytes = bytesOf(packed)
  for (const at of starts(bytes)) {
    const text = at + headBytes
    const pk = text + bytes.readUInt8(at + 53)
    const about = pk + bytes.readUInt16BE(at + 54)
    const end = about + bytes.readUInt32BE(at + 56)
    yield {
      number: bytes.readUInt32BE(at),
      idHash: bytes.readIntBE(at + 4, 6),
      digest: bytes.subarray(at + 10, at + 42),
      action: actions[bytes.readUInt8(at + 42)] ?? 'insert',
      day: bytes.toString('latin1', at + 43, at + 53),
      model: bytes.toString('latin1', text, pk),
      pk: bytes.toString('utf8', pk, about),
      about: about === end ? null : bytes.toString('utf8', about, end),
    }
  }
}

/** The hashes of the ids alone. */
export function idHashesIn(packed: Uint8Array): number[] {
  const bytes = bytesOf(packed)
  return Array.from(starts(bytes), (at) => bytes.readIntBE(at + 4, 6))
}

/** Where each place begins. */
function* starts(bytes: Buffer): Generator<number> {
  for (let at = 0; at < bytes.length; ) {
    yield at
    at += headBytes + bytes.readUInt8(at + 53) + bytes.readUInt16BE(at + 54) + bytes.readUInt32BE(at + 56)
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** @returns where it ends */
function write(bytes: Buffer, start: number, change: FoundChange, about: string): number {
  const { number, id, digest, action, day, model, pk } = change
  let at = bytes.writeUInt32BE(number, start)
  at = bytes.writeIntBE(idHash(id), at, 6)
  at += bytes.write(digest, at, 'hex')
  at = bytes.writeUInt8(actions.indexOf(action), at)
  at += bytes.write(day, at, 'latin1')
  const text = start + headBytes
  bytes.writeUInt8(model.length, at)
  const pkBytes = bytes.write(pk, text + bytes.write(model, text, 'latin1'))
  bytes.writeUInt16BE(pkBytes, at + 1)
  const aboutBytes = bytes.write(about, text + model.length + pkBytes)
  bytes.writeUInt32BE(aboutBytes, at + 3)
  return text + model.length + pkBytes + aboutBytes
}
