import type { Trust } from '../shared/crypto/trust.ts'
import { type HandoverDocument, isHandover, verifyHandoverDocument } from '../shared/handover/verify-document.ts'
import { naming, WaybillError } from '../shared/service/errors.ts'
import type { ServerStore } from './open-store.ts'

interface Row {
  row: number
  digest: string
  jws: string
  place: string
}

const tables = {
  handovers: 'json_array(id, revision, giver, taker)',
  handover_signatures: 'json_array(handover, by)',
}

/** Verifies every handover and signature that is stored, and that each is where it belongs. @throws naming the document */
export async function verifyHandovers({ $client }: ServerStore, trust: Trust): Promise<void> {
  for (const [table, place] of Object.entries(tables)) {
    const next = $client.prepare<[number], Row>(
      `SELECT rowid row, digest, jws, ${place} place FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`,
    )
    for (let stored = next.get(0); stored; stored = next.get(stored.row)) {
      const { digest, jws, place } = stored
      await naming(`the handover document ${digest}`, async () => {
        const document = await verifyHandoverDocument(trust, jws)
        if (document.digest !== digest || placeOf(document) !== place)
          throw new WaybillError('PROVENANCE_BROKEN', 'it is not of the place where it is stored')
      })
    }
  }
}

/** What was sealed with a batch is stored. @throws PROVENANCE_BROKEN */
export function checkKept({ $client }: ServerStore, documents: HandoverDocument[]): void {
  for (const document of documents) {
    const table = isHandover(document) ? 'handovers' : 'handover_signatures'
    if (!$client.prepare(`SELECT 1 FROM ${table} WHERE digest = ?`).get(document.digest))
      throw new WaybillError(
        'PROVENANCE_BROKEN',
        `the handover document ${document.digest} is not stored as it was sealed`,
      )
  }
}

function placeOf(found: HandoverDocument): string {
  if (!isHandover(found)) return JSON.stringify([found.document.handover, found.document.by])
  const { id, revision, giver, taker } = found.document
  return JSON.stringify([id, revision, giver, taker])
}
