import { idHash } from './id-hash.ts'

/** Where a change is in its batch, and by what it is recognised. */
export interface Place {
  number: number
  idHash: number
  digest: Buffer
}

const placeBytes = 42

/** Puts places into bytes, which pass between threads without being copied. */
export function packPlaces(changes: Array<{ number: number; id: string; digest: string }>): Uint8Array<ArrayBuffer> {
  const packed = new ArrayBuffer(changes.length * placeBytes)
  const bytes = Buffer.from(packed)
  for (const [index, { number, id, digest }] of changes.entries()) {
    const at = bytes.writeUInt32BE(number, index * placeBytes)
    bytes.write(digest, bytes.writeIntBE(idHash(id), at, 6), 'hex')
  }
  return new Uint8Array(packed)
}

/** The places again. */
export function* unpackPlaces(packed: Uint8Array): Generator<Place> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  for (let at = 0; at < bytes.length; at += placeBytes)
    yield {
      number: bytes.readUInt32BE(at),
      idHash: bytes.readIntBE(at + 4, 6),
      digest: bytes.subarray(at + 10, at + placeBytes),
    }
}
