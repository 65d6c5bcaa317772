import { credentialsBehind } from '../shared/crypto/credential-path.ts'
import { Trust, type Verified } from '../shared/crypto/trust.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { checkStoredFile } from '../shared/storage/durable-file.ts'
import { verifyCredentials } from '../shared/storage/verify-credentials.ts'
import { verifyHops, verifyOwn } from './hops.ts'
import { idHash } from './id-hash.ts'
import { readBatch } from './read-batch.ts'
import type { VerifyContext } from './verify.ts'

/** One change of custody, as its receiver signed it. Times are what both clocks said; nothing is ordered by them. */
export interface Hop {
  hop: number
  from: string
  fromName: string
  by: string
  byName: string
  at: string
  peerAt: string | null
  receipt: string
  previous: string
}

/** Whence one content of a change came: every signature of it was verified from the authority key. */
export interface Provenance {
  change: string
  content: string
  study: string
  producer: string
  producerName: string
  chain: string
  seq: number
  batch: string
  sealedAt: string
  hops: Hop[]
  /**
   * All that someone else needs to verify the same, offline, from the authority key alone: JWS documents, the manifest's receipts in
   * order of hops with this server's last, and, in base64, the plain text whose digest the manifest signs and one line of which is
   * the change.
   */
  proof: { authorityKey: string; credentials: string[]; manifest: string; receipts: string[]; plain: string }
}

/**
 * The provenance of a change, of every content that bears its id: from the payload that holds it, through the producer's
 * manifest and every hop, to this server (invariant 5).
 * @throws NOT_FOUND, and what is broken
 */
export async function provenanceOf(context: VerifyContext, change: string): Promise<Provenance[]> {
  const { store, identity } = context
  const trust = new Trust(identity.authorityKey)
  await verifyCredentials(trust, identity, store)
  const contents = store.$client
    .prepare<[number], Place>(
      `SELECT lower(hex(c.digest)) content, c.number, b.manifest, b.custody FROM changes c
       JOIN batches b ON b.ordinal = c.batch WHERE c.id_hash = ? ORDER BY c.position`,
    )
    .all(idHash(change))
  const found: Provenance[] = []
  for (const place of contents) {
    const traced = await trace(context, trust, change, place)
    if (traced) found.push(traced)
  }
  if (found.length === 0) throw new WaybillError('NOT_FOUND', `no change ${change} was opened here`)
  return found
}

/** Where one content may be that bears the id. */
interface Place {
  content: string
  number: number
  manifest: string
  custody: string
}

/** @returns undefined for another change, whose id only hashes alike */
async function trace(
  context: VerifyContext,
  trust: Trust,
  change: string,
  given: Place,
): Promise<Provenance | undefined> {
  const { store, payloads, shelf, identity } = context
  const manifest = await trust.verify(given.manifest, 'manifest')
  const { document, signer } = manifest
  if (signer.device !== document.producer)
    throw new WaybillError('PROVENANCE_BROKEN', `batch ${manifest.digest} is signed by another than its producer`)
  await checkStoredFile(payloads.pathOf(document.payload.digest), document.payload)
  const { changes, plain } = await readBatch(context, given.manifest)
  const sealed = changes.find(({ number }) => number === given.number)
  if (sealed?.digest !== given.content)
    throw new WaybillError('PROVENANCE_BROKEN', `line ${given.number} of batch ${manifest.digest} is another change`)
  if (sealed.id !== change) return undefined
  const tree = await verifyHops(store, trust, manifest, await verifyOwn(trust, identity, given.custody))
  const nameOf = (device: string) => shelf.document.devices[device]?.name ?? device.slice(0, 8)
  const receipts = tree.map(({ jws }) => jws)
  return {
    change,
    content: given.content,
    study: document.study,
    producer: document.producer,
    producerName: nameOf(document.producer),
    chain: document.chain,
    seq: document.seq,
    batch: manifest.digest,
    sealedAt: document.sealedAt,
    hops: tree.map((receipt) => hopOf(receipt, nameOf)),
    proof: {
      authorityKey: identity.authorityKey,
      credentials: await credentialsBehind(trust, [given.manifest, ...receipts]),
      manifest: given.manifest,
      receipts,
      plain: plain.toString('base64'),
    },
  }
}

/** A receipt in the words of its provenance. */
export function hopOf({ document, digest }: Verified<'custody'>, nameOf: (device: string) => string): Hop {
  const { hop, from, by, at, peerAt, prev } = document
  return { hop, from, fromName: nameOf(from), by, byName: nameOf(by), at, peerAt, receipt: digest, previous: prev }
}
