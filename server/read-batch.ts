import { isUtf8 } from 'node:buffer'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import { isCanonicalAtSight } from '../shared/crypto/canonical.ts'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { openPayload } from '../shared/crypto/seal.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import type { HandoverDocument } from '../shared/handover/verify-document.ts'
import { Change } from '../shared/protocol/change.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { PayloadHead } from '../shared/protocol/payload.ts'
import type { RequisitionLine } from '../shared/protocol/requisition-line.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { deriveLine, linesDigest } from '../shared/specimens/derive-line.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { type About, aboutChange, type Terms } from './about-change.ts'
import { type BadLine, readDocuments } from './read-documents.ts'

/** What reading a sealed batch needs to know. */
export interface ReadContext {
  payloads: PayloadStore
  identity: Identity
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
export interface Content {
  /** All of it, as it was sealed. */
  plain: Buffer
  changes: FoundChange[]
  bad: BadLine[]
  /** Digest of the requisition lines that the changes give; undefined where the study document that makes them is not here. */
  requisitions: string | undefined
  /** Lines of documents, as they are. */
  documents: string[]
}

/** A batch with the handovers and signatures that the laptop sealed with its changes. */
export interface ReadBatch extends Omit<Content, 'documents'> {
  documents: HandoverDocument[]
}

interface Changes extends Pick<Content, 'changes' | 'bad'> {
  lines: RequisitionLine[] | undefined
}

const mostHeaderBytes = 4096
const mostNested = 1000
const dayLength = '2026-11-25'.length
const changeCheck = TypeCompiler.Compile(Change)
const headCheck = TypeCompiler.Compile(PayloadHead)

/**
 * Opens a batch and reads its changes, storing nothing.
 * @throws PAYLOAD_REFUSED, BAD_DOCUMENT for another version, NOT_FOUND or DIGEST_MISMATCH for what this disk lost
 */
export async function readBatch(context: ReadContext, jws: string): Promise<ReadBatch> {
  const { manifest, terms } = await termsOf(context, jws)
  const content = await readContent(context, manifest, terms)
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

/**
 * Opens a batch and reads its changes; whose the documents are that follow them remains to be verified. It needs no database.
 * @throws as readBatch
 */
export async function readContent(
  context: Pick<ReadContext, 'payloads' | 'identity'>,
  manifest: Manifest,
  terms: Terms,
): Promise<Content> {
  const { plain, lines } = await readPlain(context, manifest)
  const { changes, bad, lines: shown } = readLines(lines.slice(0, manifest.changes), terms)
  const requisitions = shown && linesDigest(shown).digest
  return { plain, changes, bad, requisitions, documents: lines.slice(manifest.changes) }
}

/**
 * Opens a batch: its plain text, and the lines of it that follow the head.
 * @throws as readBatch
 */
export async function readPlain(
  { payloads, identity }: Pick<ReadContext, 'payloads' | 'identity'>,
  manifest: Manifest,
): Promise<{ plain: Buffer; lines: string[] }> {
  if (manifest.v !== 1) throw new WaybillError('BAD_DOCUMENT', `a batch of version ${manifest.v}`)
  const { sealing, recovery } = identity.secrets
  const identities = [sealing, recovery].filter((key) => typeof key === 'string')
  const sealed = await readSealed(payloads, manifest)
  checkSealHeader(sealed)
  const plain = await openPayload(sealed, identities, manifest.plain)
  const [head = '', ...lines] = readText(plain)
  checkHead(head, manifest)
  const told = manifest.changes + manifest.handovers.length
  if (lines.length !== told)
    throw new WaybillError('PAYLOAD_REFUSED', `${lines.length} lines, the manifest says ${told}`)
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

/** Its lines; of one that is no UTF-8 what can be read of it, marked so that no change is made of it. */
function readText(plain: Buffer): string[] {
  const text = isUtf8(plain) ? plain.toString('utf8') : readMarked(plain)
  if (!text.endsWith('\n')) throw new WaybillError('PAYLOAD_REFUSED', 'the last line does not end')
  return text.slice(0, -1).split('\n')
}

function readMarked(plain: Buffer): string {
  const lines: string[] = []
  for (let start = 0, end = 0; start < plain.length; start = end + 1) {
    end = plain.indexOf(0x0a, start)
    if (end < 0) end = plain.length
    const line = plain.subarray(start, end)
    lines.push(isUtf8(line) ? line.toString('utf8') : `not UTF-8: ${line.toString('utf8')}`)
  }
  return `${lines.join('\n')}${plain.at(-1) === 0x0a ? '\n' : ''}`
}

/** Stolen bytes under another's manifest do not open: the first line names whose they are (DESIGN, payload). */
function checkHead(line: string, { study, producer, chain, seq }: Manifest): void {
  const head = parse(line)
  const own =
    headCheck.Check(head) &&
    head.study === study &&
    head.producer === producer &&
    head.chain === chain &&
    head.seq === seq
  if (!own) throw new WaybillError('PAYLOAD_REFUSED', 'the payload was sealed for another place than its manifest says')
}

function readLines(lines: string[], terms: Terms): Changes {
  const read: Changes = { changes: [], bad: [], lines: terms.study && [] }
  for (const [index, line] of lines.entries()) {
    const change = parse(line)
    const wrong = changeCheck.Check(change)
      ? whyNotCanonical(change, line)
      : (changeCheck.Errors(change).First()?.message ?? 'no change')
    if (wrong !== undefined) read.bad.push({ number: index + 1, code: 'CHANGE_INVALID', message: wrong })
    else keep(read, change as Change, index + 1, sha256(line), terms)
  }
  return read
}

function keep(read: Changes, change: Change, number: number, digest: string, terms: Terms): void {
  const { id, model, pk, action, recordedAt } = change
  const about = aboutChange(change, terms)
  read.changes.push({ number, id, digest, model, pk, action, day: recordedAt.slice(0, dayLength), about })
  const visible = terms.study && deriveLine(change, terms.study)
  if (visible) read.lines?.push(visible)
}

/** Half a character or an endless number has no canonical form. What reads the feed cannot follow endless nesting. */
function whyNotCanonical(change: unknown, line: string): string | undefined {
  if (isCanonicalAtSight(change, line)) return undefined
  if (isDeep(change, mostNested)) return `nested deeper than ${mostNested}`
  try {
    return canonicalize(change) === line ? undefined : 'not in RFC 8785 canonical form'
  } catch (error) {
    return `not in RFC 8785 canonical form: ${error instanceof Error ? error.message : error}`
  }
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1))
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
