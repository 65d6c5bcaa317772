import { credentialsBehind } from '../shared/crypto/credential-path.ts'
import { deviceOf } from '../shared/crypto/identity.ts'
import { type Admit, onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import { Meeting, maxMeetingBytes } from '../shared/protocol/meeting.ts'
import { paths } from '../shared/protocol/paths.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { type HandOnBatch, handOn } from '../shared/transfer/hand-on.ts'
import { PeerClient } from '../shared/transfer/peer-client.ts'
import { absorb, headOf, type MeetContext, ownMeeting } from './meet.ts'
import { takeCustody } from './take-custody.ts'
import { takeLife } from './take-delivery.ts'

/** What pushing needs to know. */
export interface PushContext extends MeetContext {
  payloads: PayloadStore
  seal(): Promise<void>
  refused(digest: string, error: WaybillError): void
}

/** Who was met, and what it told wrongly. */
export interface Pushed {
  device: string
  role: string
  problems: WaybillError[]
}

interface PendingRow {
  manifest: string
  digest: string
  payload: string
  position: number
}

/**
 * The direct route: meets a server, gives it what no delivery covers, and meets it again for the delivery receipts.
 * @throws PEER_UNREACHABLE, ROLE_REFUSED for what is no server, and what the server refuses
 */
export async function push(context: PushContext, host: string, port: number): Promise<Pushed> {
  const { identity } = context
  const client = new PeerClient({ identity, host, port, admit: serverOnly(context), connections: 2 })
  const problems: WaybillError[] = []
  try {
    problems.push(...(await meetServer(context, client)))
    await context.seal()
    const device = client.peer?.device ?? ''
    let after = 0
    for (let rows = pendingRows(context, after); rows.length > 0; rows = pendingRows(context, after)) {
      await handOn(client, context.payloads, await batchesOf(context, rows), outcome(context, device, problems), 2)
      after = rows.at(-1)?.position ?? after
    }
    problems.push(...(await meetServer(context, client)))
    return { device, role: client.peer?.role ?? 'server', problems }
  } finally {
    await client.close()
  }
}

/** A server also says in which life it is; one that knows nothing of this laptop any more has nothing to sign. */
async function meetServer(context: PushContext, client: PeerClient): Promise<WaybillError[]> {
  const own = await ownMeeting(context, 0)
  const told = await client.json('POST', paths.meeting, own, Meeting, maxMeetingBytes)
  const server = client.peer?.device ?? ''
  const problems = await absorb(context, server, told)
  if (told.incarnation && context.shelf.document.servers.includes(server))
    takeLife(context.store, server, told.incarnation)
  return problems
}

function serverOnly({ shelf }: PushContext): Admit {
  const roles = onlyRoles('server', 'central')
  return (peer) => {
    roles(peer)
    checkStanding(shelf.document, peer)
  }
}

/** What the server has not signed for yet. */
function pendingRows({ store }: PushContext, after: number): PendingRow[] {
  return store.$client
    .prepare<[number], PendingRow>(
      `SELECT position, manifest, manifest_digest digest, payload_digest payload FROM batches b
       WHERE delivered = 0 AND pruned = 0 AND position > ? ORDER BY position LIMIT 100`,
    )
    .all(after)
}

async function batchesOf(context: PushContext, rows: PendingRow[]): Promise<HandOnBatch[]> {
  const credentials = await credentialsBehind(context.trust, [rows[0]?.manifest ?? ''])
  const at = context.clock.now().toISOString()
  const head = headOf(context.store)
  return rows.map(({ manifest, digest, payload }) => ({ manifest, digest, payload, path: [], credentials, at, head }))
}

function outcome(context: PushContext, server: string, problems: WaybillError[]): Parameters<typeof handOn>[3] {
  const { store, trust, identity } = context
  return {
    signed: async (receipts) => {
      const given = receipts.map(({ custody }) => custody)
      problems.push(...(await takeCustody(store, trust, deviceOf(identity), server, given)).problems)
    },
    refused: async (digest, error) => context.refused(digest, error),
  }
}
