import type { Trust } from './trust.ts'

/**
 * The credentials that a stranger needs to verify these documents: their signers' and the issuers' above them, each once.
 * Signers that are not known here are left out: who gave us the document must have them.
 */
export async function credentialsBehind(trust: Trust, documents: string[]): Promise<string[]> {
  const path = new Map<string, string>()
  const kids = new Set(documents.map(kidOf))
  for (const kid of kids) {
    if (kid === trust.study || path.has(kid)) continue
    const signer = await trust.credential(kid).catch(() => undefined)
    if (!signer) continue
    path.set(kid, signer.jws)
    kids.add(kidOf(signer.jws))
  }
  return [...path.values()]
}

/** The digest of the signer's credential, as a document's header names it. */
function kidOf(jws: string): string {
  return JSON.parse(Buffer.from(jws.slice(0, jws.indexOf('.')), 'base64url').toString()).kid
}
