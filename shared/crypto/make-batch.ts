import { randomBytes } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Change } from '../protocol/change.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { StudyDocument } from '../protocol/study-document.ts'
import { deriveLine, linesDigest } from '../specimens/derive-line.ts'
import { sha256 } from './digest.ts'
import { deviceOf, type Identity } from './identity.ts'
import { sealPayload } from './seal.ts'

/** Where in its chain a batch comes. */
export type BatchPlace = Pick<Manifest, 'chain' | 'seq' | 'previous' | 'continues'>

/** What a batch holds: changes as their canonical lines, then signed documents. */
export interface BatchContent {
  lines: string[]
  documents: Array<{ jws: string; digest: string }>
}

/** Seals a batch of this device and says of it what its manifest has to say. Nothing is stored and nothing signed. */
export async function makeBatch(
  { identity, study }: { identity: Identity; study: StudyDocument },
  place: BatchPlace,
  { lines, documents }: BatchContent,
  at: Date,
): Promise<{ manifest: Manifest; sealed: Buffer }> {
  const producer = deviceOf(identity)
  const head = {
    study: identity.study,
    producer,
    chain: place.chain,
    seq: place.seq,
    salt: randomBytes(32).toString('hex'),
  }
  const riding = documents.map(({ jws }) => canonicalize({ document: jws }))
  const plain = Buffer.from(`${[canonicalize(head), ...lines, ...riding].join('\n')}\n`)
  const recipients = recipientsFor(study, producer)
  const sealed = await sealPayload(
    plain,
    recipients.map(({ key }) => key),
  )
  const manifest: Manifest = {
    v: 1,
    study: identity.study,
    producer,
    ...place,
    sealedAt: at.toISOString(),
    changes: lines.length,
    studyVersion: study.version,
    payload: { digest: sha256(sealed), size: sealed.length, recipients: recipients.map(({ id }) => id) },
    plain: { digest: sha256(plain), size: plain.length },
    requisitions: linesDigest(visibleLines(lines, study)),
    handovers: documents.map(({ digest }) => digest),
  }
  return { manifest, sealed }
}

/** Who can open what this device seals: the servers of its site or of all, and the recovery identity. */
function recipientsFor(study: StudyDocument, device: string): StudyDocument['recipients'] {
  const site = study.devices[device]?.site ?? null
  return study.recipients.filter((recipient) => recipient.site === null || recipient.site === site)
}

function visibleLines(lines: string[], study: StudyDocument): Parameters<typeof linesDigest>[0] {
  if (Object.keys(study.models).length === 0) return []
  return lines.flatMap((line) => deriveLine(JSON.parse(line) as Change, study) ?? [])
}
