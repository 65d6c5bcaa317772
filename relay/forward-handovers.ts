import { type GivenHandovers, TakenHandovers } from '../shared/protocol/given-handovers.ts'
import { paths } from '../shared/protocol/paths.ts'
import { type ErrorCode, isErrorCode, WaybillError } from '../shared/service/errors.ts'
import type { PeerClient } from '../shared/transfer/peer-client.ts'
import { credentialsFor } from './meet.ts'
import type { Hold } from './open-store.ts'

const mostDocuments = 100
const mostBytes = 8 * 1024 * 1024
const maxAnswerBytes = 1024 * 1024
/** A server that refuses a document is asked again in so many milliseconds, or when this program starts again. */
const waitMs = 5 * 60_000

interface Ungiven {
  digest: string
  jws: string
}

/** What giving handovers to a server came to. */
export interface ForwardedHandovers {
  given: number
  problems: WaybillError[]
}

/**
 * Gives a server every handover and signature that no server has signed for, and stores its receipt. One that it refuses stays
 * here, is told, and holds up no other.
 * @param refusals documents that the server refused, and when they are offered again; monotonic milliseconds
 * @throws what PeerClient throws; what was signed for until then is kept
 */
export async function forwardHandovers(
  hold: Hold,
  client: PeerClient,
  server: string,
  refusals: Map<string, number>,
): Promise<ForwardedHandovers> {
  const outcome: ForwardedHandovers = { given: 0, problems: [] }
  // Only a server that the study configuration names may let this relay forget.
  if (!hold.shelf.document.servers.includes(server)) return outcome
  for (let next = nextUngiven(hold, refusals); next.length > 0; next = nextUngiven(hold, refusals)) {
    const documents = next.map(({ jws }) => jws)
    const given: GivenHandovers = { v: 1, documents, credentials: await credentialsFor(hold, documents) }
    const taken = await client.json('POST', paths.handovers, given, TakenHandovers, maxAnswerBytes)
    const covered = taken.receipt === null ? [] : await takeReceipt(hold, server, taken.receipt)
    outcome.given += covered.length
    for (const { digest, code, message } of taken.refused)
      outcome.problems.push(new WaybillError(codeOf(code), `handover document ${digest}: ${message}`))
    // What the server neither signed for nor refused is not asked again and again.
    for (const { digest } of next) if (!covered.includes(digest)) refusals.set(digest, hold.clock.monotonic() + waitMs)
  }
  return outcome
}

/** Revisions first: the server knows then what a signature is under. */
function nextUngiven({ store, clock }: Hold, refusals: Map<string, number>): Ungiven[] {
  const now = clock.monotonic()
  const rows = store.$client
    .prepare<[], Ungiven>(
      `SELECT digest, jws FROM desk_revisions WHERE receipt IS NULL
       UNION ALL SELECT digest, jws FROM desk_signatures WHERE receipt IS NULL LIMIT 1000`,
    )
    .all()
    .filter(({ digest }) => (refusals.get(digest) ?? 0) <= now)
    .slice(0, mostDocuments)
  let bytes = 0
  return rows.filter(({ jws }, index) => {
    bytes += jws.length
    return index === 0 || bytes <= mostBytes
  })
}

/** @returns what it covers @throws CREDENTIAL_REFUSED when it is not this server's, and what Trust.verify throws */
async function takeReceipt(hold: Hold, server: string, jws: string): Promise<string[]> {
  const { document, signer, digest } = await hold.trust.verify(jws, 'handoverReceipt')
  if (document.server !== server || signer.device !== server)
    throw new WaybillError('CREDENTIAL_REFUSED', 'a handover receipt that is not of this server')
  hold.commit(({ $client: client }) => {
    client.prepare('INSERT OR IGNORE INTO desk_receipts (digest, jws) VALUES (?, ?)').run(digest, jws)
    for (const table of ['desk_revisions', 'desk_signatures']) {
      const cover = client.prepare(`UPDATE ${table} SET receipt = ? WHERE digest = ? AND receipt IS NULL`)
      for (const covered of document.documents) cover.run(digest, covered)
    }
  })
  return document.documents
}

function codeOf(told: string): ErrorCode {
  return isErrorCode(told) ? told : 'UNEXPECTED'
}
