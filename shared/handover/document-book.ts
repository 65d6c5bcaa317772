import type { Database } from 'better-sqlite3'
import type { SignedDocument } from '../crypto/sign-document.ts'
import type { Handover, HandoverSignature } from '../protocol/handover.ts'

/** A revision on disk. `content`: what it says, whoever wrote it. */
export interface Revision {
  digest: string
  jws: string
  by: string
  content: string
  handover: Handover
}

/** A signature on disk, under the revision with this digest. */
export interface Signature {
  digest: string
  jws: string
  signature: HandoverSignature
}

/** What was written down and signed in one handover. */
export interface Written {
  revisions: Revision[]
  signatures: Signature[]
}

const mostKept = 16

/** Revisions and signatures, each once, immutable. They unite as sets. */
export class DocumentBook {
  readonly #client: Database
  readonly #kept = new Map<string, Written>()

  constructor(client: Database) {
    this.#client = client
  }

  /** All of a handover: revisions in the order of their numbers, then of their digests. */
  of(handover: string): Written {
    const found = this.#kept.get(handover)
    if (found) return found
    const written = { revisions: this.#revisions(handover), signatures: this.#signatures(handover) }
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined && this.#kept.size >= mostKept) this.#kept.delete(oldest)
    this.#kept.set(handover, written)
    return written
  }

  /** Call it inside a transaction, and `forget` when that has ended, however it did. */
  putRevision({ digest, jws }: SignedDocument, by: string, content: string, { id, revision }: Handover): void {
    this.#client
      .prepare(
        `INSERT OR IGNORE INTO desk_revisions (digest, handover, revision, by, content, jws) VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(digest, id, revision, by, content, jws)
  }

  /** Call it as `putRevision`. @returns whether it is the first one under its revision */
  putSignature({ digest, jws }: SignedDocument, { id, handover, by }: HandoverSignature): boolean {
    const first = this.#client.prepare('SELECT 1 FROM desk_signatures WHERE revision_digest = ?').get(handover)
    this.#client
      .prepare(
        'INSERT OR IGNORE INTO desk_signatures (digest, handover, revision_digest, by, jws) VALUES (?, ?, ?, ?, ?)',
      )
      .run(digest, id, handover, by, jws)
    return first === undefined
  }

  /** Whether a server has signed for it. */
  isCovered(digest: string): boolean {
    const sql = 'SELECT 1 FROM desk_revisions WHERE digest = ? AND receipt IS NOT NULL'
    return this.#client.prepare(sql).get(digest) !== undefined
  }

  /** What is in memory is read again. */
  forget(handover: string): void {
    this.#kept.delete(handover)
  }

  #revisions(handover: string): Revision[] {
    return this.#client
      .prepare<[string], Omit<Revision, 'handover'>>(
        'SELECT digest, jws, by, content FROM desk_revisions WHERE handover = ? ORDER BY revision, digest',
      )
      .all(handover)
      .map((row) => ({ ...row, handover: payloadOf<Handover>(row.jws) }))
  }

  #signatures(handover: string): Signature[] {
    return this.#client
      .prepare<[string], Omit<Signature, 'signature'>>(
        'SELECT digest, jws FROM desk_signatures WHERE handover = ? ORDER BY digest',
      )
      .all(handover)
      .map((row) => ({ ...row, signature: payloadOf<HandoverSignature>(row.jws) }))
  }
}

/** What is stored was verified before. */
function payloadOf<T>(jws: string): T {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())
}
