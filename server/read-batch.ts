import { sha256 } from '../shared/crypto/digest.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import type { HandoverDocument } from '../shared/handover/verify-document.ts'
import type { Change } from '../shared/protocol/change.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import type { RequisitionLine } from '../shared/protocol/requisition-line.ts'
import { deriveLine, linesDigest } from '../shared/specimens/derive-line.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { type About, aboutChange, type Terms } from './about-change.ts'
import { type BadLine, readDocuments } from './read-documents.ts'
import { readLine } from './read-line.ts'
import { type Plain, type PlainContext, readPlain } from './read-plain.ts'

/** What reading a sealed batch needs to know. */
export interface ReadContext extends PlainContext {
  trust: Trust
  shelf: StudyShelf
}

/** A change in a batch: what is kept of it outside. */
export interface FoundChange extends Pick<Change, 'id' | 'model' | 'pk' | 'action'> {
  /** That of its line after the head, from 1. */
  number: number
  digest: string
  /** On which it was recorded, by the laptop's clock. */
  day: string
  about: About | undefined
}

/** What stands in a batch that was opened and found whole; a line that is no change is kept as such. */
export interface Content<T> extends Pick<Plain, 'plain'> {
  changes: T
  bad: BadLine[]
  /** Digest of the requisition lines that the changes give; undefined where the study document that makes them is not here. */
  requisitions: string | undefined
  /** Lines of documents, as they are. */
  documents: string[]
}

/** A batch with the handovers and signatures that the laptop sealed with its changes. */
export interface ReadBatch extends Omit<Content<FoundChange[]>, 'documents'> {
  documents: HandoverDocument[]
}

/** What is found beside the changes. */
interface Beside {
  bad: BadLine[]
  lines: RequisitionLine[] | undefined
  documents: string[]
}

const dayLength = '2026-11-25'.length

/**
 * Opens a batch and reads its changes, storing nothing.
 * @throws as readPlain
 */
export async function readBatch(context: ReadContext, jws: string): Promise<ReadBatch> {
  const { manifest, terms } = await termsOf(context, jws)
  const content = await readContent(context, manifest, terms, listed)
  const { documents, bad } = await readDocuments(context.trust, content.documents, manifest)
  return { ...content, bad: [...content.bad, ...bad], documents }
}

/**
 * A batch's manifest, and by what it is read. A study document that this disk lost is not the batch's fault: its lines cannot be checked
 * then.
 */
export async function termsOf(
  { shelf, trust }: Pick<ReadContext, 'shelf' | 'trust'>,
  jws: string,
): Promise<{ manifest: Manifest; terms: Terms }> {
  const { document: manifest, kid } = readDocument(jws, 'manifest')
  const { role } = (await trust.credential(kid)).credential
  const study = await shelf.version(manifest.studyVersion).catch(() => undefined)
  const terms = {
    study: study && { models: study.models },
    newest: { models: shelf.document.models },
    decides: role === 'server' || role === 'central',
  }
  return { manifest, terms }
}

/** For who needs the changes of a batch all at once. */
export function listed(changes: Iterable<FoundChange>): FoundChange[] {
  return [...changes]
}

/**
 * Opens a batch and reads its changes; whose the documents are that follow them remains to be verified. It needs no database.
 * @param take is given each change as it is read, and takes them all; nothing of them stays but what it returns
 * @throws as readPlain
 */
export async function readContent<T>(
  context: PlainContext,
  manifest: Manifest,
  terms: Terms,
  take: (changes: Iterable<FoundChange>) => T,
): Promise<Content<T>> {
  const { plain, lines } = await readPlain(context, manifest)
  const beside: Beside = { bad: [], lines: terms.study && [], documents: [] }
  const changes = take(readLines(lines, manifest.changes, terms, beside))
  const { bad, documents } = beside
  return { plain, changes, bad, requisitions: beside.lines && linesDigest(beside.lines).digest, documents }
}

/** @param count so many lines are changes; those behind them are documents */
function* readLines(lines: Iterable<Buffer>, count: number, terms: Terms, beside: Beside): Generator<FoundChange> {
  let number = 0
  for (const line of lines) {
    number += 1
    if (number > count) {
      beside.documents.push(line.toString())
      continue
    }
    const change = readLine(line)
    if (typeof change === 'string') {
      beside.bad.push({ number, code: 'CHANGE_INVALID', message: change })
      continue
    }
    const visible = terms.study && deriveLine(change, terms.study)
    if (visible) beside.lines?.push(visible)
    const { id, model, pk, action, recordedAt } = change
    const about = aboutChange(change, terms)
    yield { number, id, digest: sha256(line), model, pk, action, day: recordedAt.slice(0, dayLength), about }
  }
}
