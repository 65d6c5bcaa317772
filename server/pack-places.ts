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

/** Puts places into bytes, which pass between threads without being copied. */
export function packPlaces(changes: FoundChange[]): Uint8Array<ArrayBuffer> {
  const texts = changes.map(({ about }) => (about === undefined ? '' : JSON.stringify(about satisfies About)))
  const sizes = changes.map(({ model, pk }, index) => model.length + utf8(pk) + utf8(texts[index] ?? ''))
  const packed = new ArrayBuffer(sizes.reduce((sum, size) => sum + headBytes + size, 0))
  const bytes = Buffer.from(packed)
  let at = 0
  for (const [index, change] of changes.entries()) at = write(bytes, at, change, texts[index] ?? '')
  return new Uint8Array(packed)
}

/** The places again. */
export function* unpackPlaces(packed: Uint8Array): Generator<Place> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  for (let at = 0; at < bytes.length; ) {
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
    at = end
  }
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

function utf8(text: string): number {
  return Buffer.byteLength(text)
}
