import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Trust } from '../crypto/trust.ts'
import { naming, WaybillError } from '../service/errors.ts'

/**
 * Verifies again every study document of a data directory, and that each names the one before it where both are here.
 * @throws STUDY_CONFLICT, SIGNATURE_INVALID... naming the file
 */
export async function verifyShelf(data: string, trust: Trust): Promise<void> {
  const directory = join(data, 'study-documents')
  const digests = new Map<number, string>()
  for (const name of readdirSync(directory)
    .filter((file) => file.endsWith('.jws'))
    .sort()) {
    const { document, digest } = await naming(`study document ${name}`, () =>
      trust.verify(readFileSync(join(directory, name), 'utf8'), 'study'),
    )
    const before = digests.get(document.version - 1)
    if (before !== undefined && document.previous !== before)
      throw new WaybillError('STUDY_CONFLICT', `study document ${name} does not follow the one before it`)
    digests.set(document.version, digest)
  }
}
