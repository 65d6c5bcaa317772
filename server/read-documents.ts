import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { documentDigest } from '../shared/crypto/sign-document.ts'
import type { Trust } from '../shared/crypto/trust.ts'
import { type HandoverDocument, isCredential, verifyHandoverDocument } from '../shared/handover/verify-document.ts'
import { Jws } from '../shared/protocol/fields.ts'
import type { Manifest } from '../shared/protocol/manifest.ts'
import { asWaybillError, type ErrorCode, WaybillError } from '../shared/service/errors.ts'

/** A line of a payload that is neither a change nor a document. */
export interface BadLine {
  number: number
  code: ErrorCode
  message: string
}

const line = TypeCompiler.Compile(Type.Object({ document: Jws }, { additionalProperties: false }))

/**
 * Reads the documents that follow the changes of a batch: the credentials of whoever signed, then handovers and signatures. A bad
 * one becomes a bad line and spoils nothing (invariant 8). The same payload always gives the same.
 */
export async function readDocuments(
  trust: Trust,
  lines: string[],
  { changes, handovers }: Manifest,
): Promise<{ documents: HandoverDocument[]; bad: BadLine[] }> {
  const documents: HandoverDocument[] = []
  const bad: BadLine[] = []
  for (const [index, text] of lines.entries()) {
    try {
      const jws = readLine(text, handovers[index])
      if (isCredential(jws)) await trust.admitAll([jws])
      else documents.push(await verifyHandoverDocument(trust, jws))
    } catch (thrown) {
      const { code, message } = asWaybillError(thrown)
      if (code === 'DISK_FULL' || code === 'STORAGE_FAILED') throw thrown
      bad.push({ number: changes + index + 1, code, message })
    }
  }
  return { documents, bad }
}

function readLine(text: string, digest: string | undefined): string {
  const read = parse(text)
  if (!line.Check(read)) throw new WaybillError('BAD_DOCUMENT', 'no document')
  if (documentDigest(read.document) !== digest)
    throw new WaybillError('DIGEST_MISMATCH', 'not the document that the manifest names')
  return read.document
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
