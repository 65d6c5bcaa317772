import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { Decrypter, Encrypter } from 'age-encryption'
import { maxPayloadBytes, maxPlainBytes } from '../protocol/payload.ts'
import { WaybillError } from '../service/errors.ts'
import { giveBack } from '../service/give-back.ts'
import { sha256 } from './digest.ts'

const compress = promisify(zstdCompress)
/** This program's own keys, few. */
const decrypters = new Map<string, Decrypter>()
/** Each piece is a hop to another thread and back: most payloads are packed in one, and what it does not fill is no megabyte. */
const packedChunk = 256 * 1024
/** zlib takes no less. */
const leastChunk = 64

/** Compresses (one zstd frame, RFC 8878) and seals (age v1, X25519) the plain text to all recipients. */
export async function sealPayload(plain: Uint8Array, recipients: string[]): Promise<Buffer> {
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  const packed = await compress(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
    chunkSize: packedChunk,
  })
  const sealed = await collect(await encrypter.encrypt(streamOf(packed)))
  giveBack(packed)
  return sealed
}

/**
 * Opens a payload with any of the identities and checks it against the signed size and digest of the plain text.
 * Output never grows beyond the declared size; bytes after the one zstd frame are refused.
 * @throws PAYLOAD_REFUSED saying which check failed
 */
export async function openPayload(
  payload: Uint8Array,
  identities: string[],
  plain: { digest: string; size: number },
): Promise<Buffer> {
  if (payload.length > maxPayloadBytes) throw new WaybillError('PAYLOAD_REFUSED', 'the payload is larger than allowed')
  // A few sealed bytes can unpack to many: what is declared is bounded too.
  if (plain.size > maxPlainBytes) throw new WaybillError('PAYLOAD_REFUSED', 'the plain text is larger than allowed')
  const packed = await decrypt(payload, identities)
  const text = decompress(packed, plain.size)
  if (text.length !== plain.size || sha256(text) !== plain.digest)
    throw new WaybillError('PAYLOAD_REFUSED', 'the plain text is not what the manifest signed')
  return text
}

async function decrypt(payload: Uint8Array, identities: string[]): Promise<Uint8Array> {
  try {
    return await collect(await decrypterOf(identities).decrypt(streamOf(payload)))
  } catch (cause) {
    throw new WaybillError('PAYLOAD_REFUSED', 'the payload is not sealed to a key held here, or is damaged', { cause })
  }
}

/** Given bytes, the library collects what it makes by way of fetch's parts: these take longer to load than a payload to open. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return ReadableStream.from([bytes])
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream))
}

/** One for all payloads: it works out its public keys anew each time that it is made. */
function decrypterOf(identities: string[]): Decrypter {
  const name = identities.join()
  const known = decrypters.get(name)
  if (known) return known
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  decrypters.set(name, decrypter)
  return decrypter
}

function decompress(packed: Uint8Array, size: number): Buffer {
  let result: { buffer: Buffer; engine: { bytesWritten: number } }
  try {
    // In one piece, which is never full: zlib ends with the frame then, and does not go on to what follows it.
    const options = { info: true, maxOutputLength: Math.max(size, 1), chunkSize: size + leastChunk }
    result = zstdDecompressSync(packed, options) as unknown as typeof result
  } catch (cause) {
    throw new WaybillError('PAYLOAD_REFUSED', 'the payload does not decompress to its declared size', { cause })
  }
  if (result.engine.bytesWritten !== packed.length)
    throw new WaybillError('PAYLOAD_REFUSED', 'there are bytes after the one zstd frame')
  return result.buffer
}
