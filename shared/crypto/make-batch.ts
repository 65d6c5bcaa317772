import { randomBytes } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Change } from '../protocol/change.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { RequisitionLine } from '../protocol/requisition-line.ts'
import type { StudyDocument } from '../protocol/study-document.ts'
import { giveBack } from '../service/give-back.ts'
import { deriveLine, linesDigest } from '../specimens/derive-line.ts'
import { sha256 } from './digest.ts'
import { deviceOf, type Identity } from './identity.ts'
import { sealPayload } from './seal.ts'

/** What a batch holds: changes, then signed documents. */
export interface BatchContent {
  /** The changes as their canonical lines, each with its end, in UTF-8. It is given back, and empty then. */
  text: Buffer
  changes: number
  documents: Array<{ jws: string; digest: string }>
}

/** What is to be signed of a batch, but for what it follows in its chain. */
export type Head = Omit<Manifest, 'previous' | 'continues'>

/** Seals a batch of this device and says of it what its manifest has to say. Nothing is stored and nothing signed. */
export async function makeBatch(
  { identity, study }: { identity: Identity; study: StudyDocument },
  place: Pick<Manifest, 'chain' | 'seq'>,
  { text, changes, documents }: BatchContent,
  at: Date,
): Promise<{ head: Head; sealed: Buffer }> {
  const producer = deviceOf(identity)
  const plain = plainOf({ study: identity.study, producer, ...place }, text, documents)
  const head = {
    v: 1 as const,
    study: identity.study,
    producer,
    ...place,
    sealedAt: at.toISOString(),
    changes,
    studyVersion: study.version,
    plain: { digest: sha256(plain), size: plain.length },
    requisitions: linesDigest(visibleLines(text, study)),
    handovers: documents.map(({ digest }) => digest),
  }
  giveBack(text)
  const recipients = recipientsFor(study, producer)
  const keys = recipients.map(({ key }) => key)
  const sealed = await sealPayload(plain, keys)
  giveBack(plain)
  const payload = { digest: sha256(sealed), size: sealed.length, recipients: recipients.map(({ id }) => id) }
  return { head: { ...head, payload }, sealed }
}

function plainOf(place: object, text: Buffer, documents: BatchContent['documents']): Buffer {
  const salt = randomBytes(32).toString('hex')
  const riding = documents.map(({ jws }) => lineOf({ document: jws }))
  return Buffer.concat([lineOf({ ...place, salt }), text, ...riding])
}

function lineOf(value: object): Buffer {
  return Buffer.from(`${canonicalize(value)}\n`)
}

/** Who can open what this device seals: the servers of its site or of all, and the recovery identity. */
function recipientsFor(study: StudyDocument, device: string): StudyDocument['recipients'] {
  const site = study.devices[device]?.site ?? null
  return study.recipients.filter((recipient) => recipient.site === null || recipient.site === site)
}

function visibleLines(text: Buffer, study: StudyDocument): RequisitionLine[] {
  return mayBeVisible(text, study).flatMap((line) => deriveLine(JSON.parse(line) as Change, study) ?? [])
}

/** Those that may be changes of a requisition: to parse the others costs more than to compress them does. */
function mayBeVisible(text: Buffer, { models }: StudyDocument): string[] {
  const names = Object.keys(models).filter((model) => models[model]?.requisition)
  const marks = names.map((model) => `"model":${JSON.stringify(model)}`)
  if (!marks.some((mark) => text.includes(mark))) return []
  return text
    .toString()
    .split('\n')
    .filter((line) => marks.some((mark) => line.includes(mark)))
}
