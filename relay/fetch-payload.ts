import { paths } from '../shared/protocol/paths.ts'
import type { Clock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { digestOfFile } from '../shared/storage/durable-file.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import type { Hold } from './open-store.ts'
import type { BatchRow } from './take-custody.ts'

const graceMs = 20_000
const leastBytesPerSecond = 1024

/**
 * Brings a batch's payload onto this disk: what is whole here is only hashed again, what was broken off goes on where it broke.
 * When it returns, the bytes on disk are the ones that the manifest signed.
 * @throws DIGEST_MISMATCH, TOO_LARGE, NOT_FOUND, PEER_UNREACHABLE (what came is kept for the next try)
 */
export async function fetchPayload(hold: Hold, client: PeerClient, batch: BatchRow): Promise<void> {
  const { payloadDigest } = batch
  for (;;) {
    const other = hold.receiving.get(payloadDigest)
    if (!other) break
    await other.catch(() => undefined)
  }
  const receiving = receive(hold, client, batch)
  hold.receiving.set(payloadDigest, receiving)
  try {
    await receiving
  } finally {
    hold.receiving.delete(payloadDigest)
  }
}

async function receive(hold: Hold, client: PeerClient, batch: BatchRow): Promise<void> {
  if (await isWhole(hold, batch)) return
  const { payloadDigest: digest, payloadSize: size } = batch
  const partial = await hold.payloads.partial(digest)
  try {
    await receiveFrom(hold, client, batch, partial > size ? 0 : partial)
  } catch (error) {
    if (!(error instanceof WaybillError) || error.code !== 'DIGEST_MISMATCH' || partial === 0) throw error
    // The part that an earlier meeting left was bad: once more, from the first byte.
    await receiveFrom(hold, client, batch, 0)
  }
}

async function receiveFrom(hold: Hold, client: PeerClient, batch: BatchRow, offset: number): Promise<void> {
  const { payloadDigest: digest, payloadSize: size } = batch
  if (offset === size) return hold.payloads.receive(digest, size, offset, [])
  const { offset: from, body } = await client.stream(`${paths.payloads}/${digest}`, { offset, etag: `"${digest}"` })
  await hold.payloads.receive(digest, size, from, notTooSlow(body, hold.clock))
}

/** @throws DIGEST_MISMATCH when the manifest's size lies about bytes that are whole here */
async function isWhole(hold: Hold, { payloadDigest: digest, payloadSize: size }: BatchRow): Promise<boolean> {
  if (!(await hold.payloads.has(digest))) return false
  const stored = await digestOfFile(hold.payloads.pathOf(digest))
  if (stored.digest !== digest) {
    // The disk lost it since: it is fetched again.
    await hold.payloads.remove(digest)
    return false
  }
  if (stored.size !== size)
    throw new WaybillError('DIGEST_MISMATCH', `the payload has ${stored.size} bytes, not ${size}`)
  return true
}

async function* notTooSlow(body: AsyncIterable<Uint8Array>, clock: Clock): AsyncIterable<Uint8Array> {
  const began = clock.monotonic()
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    const tookMs = clock.monotonic() - began
    if (tookMs > graceMs && (bytes * 1000) / tookMs < leastBytesPerSecond)
      throw new WaybillError('PEER_UNREACHABLE', 'the connection is too slow; it goes on where it broke')
    yield chunk
  }
}
