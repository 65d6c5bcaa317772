import type { Database } from 'better-sqlite3'
import type { Trust } from '../crypto/trust.ts'
import { naming, WaybillError } from '../service/errors.ts'
import { isHandover, verifyHandoverDocument } from './verify-document.ts'

interface Row {
  position: number
  digest: string
  jws: string
  receipt: string | null
  place: string
}

const tables = {
  desk_revisions: `json_array(d.handover, d.revision, d.by, json((SELECT json_array(h.giver, h.taker) FROM desk_handovers h WHERE h.id = d.handover)))`,
  desk_signatures: 'json_array(d.handover, d.revision_digest, d.by)',
}

/** Verifies every revision and signature of a desk, that each is where it belongs, and the receipts for them. @throws naming it */
export async function verifyDesk(client: Database, trust: Trust): Promise<void> {
  const covered = await verifyReceipts(client, trust)
  for (const [table, place] of Object.entries(tables)) {
    const next = client.prepare<[number], Row>(
      `SELECT position, digest, jws, receipt, ${place} place FROM ${table} d WHERE position > ? ORDER BY position LIMIT 1`,
    )
    for (let row = next.get(0); row; row = next.get(row.position)) {
      const stored = row
      await naming(`the handover document ${stored.digest}`, () => verifyRow(trust, stored, covered))
    }
  }
}

async function verifyRow(trust: Trust, { digest, jws, receipt, place }: Row, covered: Set<string>): Promise<void> {
  const found = await verifyHandoverDocument(trust, jws)
  const { document, signer } = found
  const own = isHandover(found)
    ? [found.document.id, found.document.revision, signer.device, [found.document.giver, found.document.taker]]
    : [document.id, found.document.handover, signer.device]
  // A handover of which the beginning is not known here is of nobody's.
  if (found.digest !== digest || JSON.stringify(own) !== place)
    throw new WaybillError('PROVENANCE_BROKEN', 'it is not of the place where it is stored')
  if (receipt !== null && !covered.has(`${receipt} ${digest}`))
    throw new WaybillError('PROVENANCE_BROKEN', 'its receipt does not name it')
}

/** @returns receipt and document, for each document that a receipt names */
async function verifyReceipts(client: Database, trust: Trust): Promise<Set<string>> {
  const rows = client.prepare<[], { digest: string; jws: string }>('SELECT digest, jws FROM desk_receipts').all()
  const covered = new Set<string>()
  for (const { digest, jws } of rows)
    await naming(`the handover receipt ${digest}`, async () => {
      const found = await trust.verify(jws, 'handoverReceipt')
      if (found.digest !== digest || found.document.server !== found.signer.device)
        throw new WaybillError('SIGNATURE_INVALID', 'it is not what it is stored as, or not of its server')
      for (const document of found.document.documents) covered.add(`${digest} ${document}`)
    })
  return covered
}
