import { headerOf } from './read-document.ts'
import type { Trust } from './trust.ts'

/**
 * The credentials that a stranger needs to verify these documents: their signers' and the issuers' above them, each once.
 * Signers that are not known here are left out: who gave us the document must have them.
 */
export async function credentialsBehind(trust: Trust, documents: string[]): Promise<string[]> {
  const path = new Map<string, string>()
  const kids = new Set(documents.map((jws) => String(headerOf(jws).kid)))
  for (const kid of kids) {
    if (kid === trust.study || path.has(kid)) continue
    const signer = await trust.credential(kid).catch(() => undefined)
    if (!signer) continue
    path.set(kid, signer.jws)
    kids.add(String(headerOf(signer.jws).kid))
  }
  return [...path.values()]
}
