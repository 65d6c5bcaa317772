import { prepared } from '../shared/storage/prepared.ts'
import type { DaemonStore } from './open-store.ts'

/** A document as it goes into a batch. */
export interface SealedDocument {
  digest: string
  jws: string
}

const most = 200
/** In the order in which they came; a handover that nobody signed is nobody's word. */
const waiting = `SELECT digest, jws FROM (
    SELECT digest, jws, 0 kind, position FROM desk_revisions r
      WHERE EXISTS (SELECT 1 FROM desk_signatures s WHERE s.revision_digest = r.digest)
    UNION ALL SELECT digest, jws, 1, position FROM desk_signatures)
  WHERE digest NOT IN (SELECT digest FROM sealed_documents) ORDER BY kind, position`
/** What the JSON around a document takes. */
const wrapBytes = 32

/**
 * The handovers that someone signed, with their signatures, that no batch of ours holds yet; the credentials of whoever signed come
 * first, so that a server that never met them can verify. As many as fit into so many bytes.
 */
export function documentsToSeal(store: DaemonStore, bytes: number): SealedDocument[] {
  const rows = store.$client.prepare<[], SealedDocument>(`${waiting} LIMIT ${most}`).all()
  const taken = new Map<string, SealedDocument>()
  let size = 0
  for (const row of rows) {
    const riding = [...credentialsBehind(store, row.jws), row].filter(({ digest }) => !taken.has(digest))
    size += riding.reduce((sum, { jws }) => sum + jws.length + wrapBytes, 0)
    if (size > bytes) break
    for (const document of riding) taken.set(document.digest, document)
  }
  return [...taken.values()]
}

/** How many documents wait to be sealed. */
export function countDocuments(store: DaemonStore): number {
  const count = `SELECT count(*) count FROM (${waiting} LIMIT 1000)`
  return prepared<[], { count: number }>(store.$client, count).get()?.count ?? 0
}

/** They are in a batch. Call it inside the transaction that stores the batch. */
export function markSealed(store: DaemonStore, digests: string[], batch: string): void {
  const mark = store.$client.prepare('INSERT OR REPLACE INTO sealed_documents (digest, batch) VALUES (?, ?)')
  for (const digest of digests) mark.run(digest, batch)
}

/** The signer's credential after the one of the issuer above it. */
function credentialsBehind(store: DaemonStore, document: string): SealedDocument[] {
  const find = store.$client.prepare<[string], { jws: string }>('SELECT jws FROM credentials WHERE kid = ?')
  const path: SealedDocument[] = []
  for (let kid = kidOf(document), found = find.get(kid); found; kid = kidOf(found.jws), found = find.get(kid))
    path.unshift({ digest: kid, jws: found.jws })
  return path
}

function kidOf(jws: string): string {
  return JSON.parse(Buffer.from(jws.slice(0, jws.indexOf('.')), 'base64url').toString()).kid
}
