import { TypeCompiler } from '@sinclair/typebox/compiler'
import canonicalize from 'canonicalize'
import { sha256 } from '../shared/crypto/digest.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { readDocument } from '../shared/crypto/read-document.ts'
import { openPayload } from '../shared/crypto/seal.ts'
import { Change } from '../shared/protocol/change.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { PayloadHead } from '../shared/protocol/payload.ts'
import type { RequisitionLine } from '../shared/protocol/requisition-line.ts'
import type { StudyDocument } from '../shared/protocol/study-document.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'
import { deriveLine, linesDigest } from '../shared/specimens/derive-line.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import type { StudyShelf } from '../shared/storage/study-shelf.ts'
import { writeFact } from './facts.ts'
import type { ServerStore } from './open-store.ts'

/** What opening needs to know. */
export interface OpenContext {
  store: ServerStore
  payloads: PayloadStore
  identity: Identity
  shelf: StudyShelf
}

interface BadLine {
  number: number
  code: ErrorCode
  message: string
  line: string
}

/** A batch that was opened and found whole; a line that is no change is kept as such. */
interface Opened {
  changes: Array<{ id: string; digest: string; line: string }>
  bad: BadLine[]
  lines: RequisitionLine[]
}

const changeCheck = TypeCompiler.Compile(Change)
const headCheck = TypeCompiler.Compile(PayloadHead)

/**
 * Opens the oldest batch that waits: decrypted, decompressed, compared with what its manifest signed, its changes stored. A batch
 * that cannot be opened is set aside with its code and holds up no other (invariant 8).
 * @returns false when none waits
 */
export async function openNext(context: OpenContext): Promise<boolean> {
  const { store } = context
  const next = store.$client
    .prepare<[], { digest: string; manifest: string }>(
      "SELECT manifest_digest digest, manifest FROM batches WHERE state = 'ingested' ORDER BY ordinal LIMIT 1",
    )
    .get()
  if (!next) return false
  const { document } = readDocument(next.manifest, 'manifest')
  try {
    const opened = await readBatch(context, document)
    commit(store, next.digest, document, opened)
  } catch (error) {
    setAside(store, next.digest, asWaybillError(error))
  }
  return true
}

/** Opens a batch and reads its changes, storing nothing. @throws PAYLOAD_REFUSED, NOT_FOUND */
export async function readBatch({ payloads, identity, shelf }: OpenContext, manifest: Manifest): Promise<Opened> {
  const { sealing, recovery } = identity.secrets
  const identities = [sealing, recovery].filter((key) => typeof key === 'string')
  const plain = await openPayload(await payloads.read(manifest.payload.digest), identities, manifest.plain)
  const [head = '', ...lines] = plain.toString('utf8').replace(/\n$/, '').split('\n')
  checkHead(head, manifest)
  if (lines.length !== manifest.changes)
    throw new WaybillError('PAYLOAD_REFUSED', `${lines.length} lines, the manifest says ${manifest.changes}`)
  const study = await shelf.version(manifest.studyVersion)
  return readLines(lines, study)
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

function readLines(lines: string[], study: StudyDocument | undefined): Opened {
  const opened: Opened = { changes: [], bad: [], lines: [] }
  for (const [index, line] of lines.entries()) {
    const change = parse(line)
    const wrong = changeCheck.Check(change)
      ? isCanonical(change, line)
      : (changeCheck.Errors(change).First()?.message ?? 'no change')
    if (wrong !== undefined) opened.bad.push({ number: index + 1, code: 'CHANGE_INVALID', message: wrong, line })
    else keep(opened, change as Change, line, study)
  }
  return opened
}

function keep(opened: Opened, change: Change, line: string, study: StudyDocument | undefined): void {
  opened.changes.push({ id: change.id, digest: sha256(line), line })
  const visible = study && deriveLine(change, study)
  if (visible) opened.lines.push(visible)
}

function isCanonical(change: unknown, line: string): string | undefined {
  return canonicalize(change) === line ? undefined : 'not in RFC 8785 canonical form'
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** One transaction: changes, the lines that are none, the state, and the chain's receipt to be signed anew. */
function commit(store: ServerStore, digest: string, manifest: Manifest, { changes, bad, lines }: Opened): void {
  const client = store.$client
  const { producer, chain } = manifest
  const insert = client.prepare(
    'INSERT OR IGNORE INTO changes (id, digest, producer, manifest_digest, line) VALUES (?, ?, ?, ?, ?)',
  )
  const insertBad = client.prepare('INSERT OR IGNORE INTO bad_lines VALUES (?, ?, ?, ?, ?)')
  client
    .transaction(() => {
      const moved = client
        .prepare("UPDATE batches SET state = 'opened' WHERE manifest_digest = ? AND state = 'ingested'")
        .run(digest)
      if (moved.changes === 0) return
      for (const change of changes) insert.run(change.id, change.digest, producer, digest, change.line)
      for (const { number, code, message, line } of bad) insertBad.run(digest, number, code, message, line)
      if (linesDigest(lines).digest !== manifest.requisitions.digest)
        writeFact(store, `alarm:lines:${digest}`, 'the requisition lines that travelled are not those of the payload')
      advance(store, producer, chain)
    })
    .immediate()
}

/** `through` grows over every batch that is opened without a gap. */
function advance(store: ServerStore, producer: string, chain: string): void {
  const client = store.$client
  const isOpened = client.prepare(
    "SELECT 1 FROM batches WHERE producer = ? AND chain = ? AND seq = ? AND state = 'opened'",
  )
  const { through } = client
    .prepare<[string, string], { through: number }>('SELECT through FROM chains WHERE producer = ? AND chain = ?')
    .get(producer, chain) ?? { through: 0 }
  let next = through + 1
  while (isOpened.get(producer, chain, next)) next += 1
  client
    .prepare('UPDATE chains SET through = ?, dirty = 1 WHERE producer = ? AND chain = ?')
    .run(next - 1, producer, chain)
}

function setAside(store: ServerStore, digest: string, { code, message }: WaybillError): void {
  // A disk that fails is not the batch's fault: it stays where it is and is tried again.
  if (code === 'DISK_FULL' || code === 'STORAGE_FAILED' || code === 'UNEXPECTED') throw new WaybillError(code, message)
  store.$client
    .prepare("UPDATE batches SET state = 'quarantined', code = ?, message = ? WHERE manifest_digest = ?")
    .run(code, message, digest)
}
