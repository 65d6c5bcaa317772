import type { FastifyInstance } from 'fastify'
import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import { deviceOf } from '../shared/crypto/identity.ts'
import { onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { createPeerDoor } from '../shared/transfer/peer-door.ts'
import type { Changes } from '../shared/web/changes.ts'
import { createPageDoor } from '../shared/web/page-door.ts'
import { strictFastify } from '../shared/web/strict-fastify.ts'
import { writeLastError } from './facts.ts'
import { absorb, type MeetContext, ownMeeting } from './meet.ts'
import { readOpenLines } from './open-lines.ts'
import { recordChanges } from './outbox.ts'
import { pendingBatches, servedPayload } from './pending.ts'
import { localRoutes } from './routes/local-routes.ts'
import { peerRoutes } from './routes/peer-routes.ts'
import type { Sealer } from './sealer.ts'
import { splitInput } from './split-input.ts'
import { daemonStatus } from './status.ts'
import { takeCustody } from './take-custody.ts'

/** What the field laptop's doors need to know. */
export interface DaemonContext extends MeetContext {
  data: string
  payloads: PayloadStore
  sealer: Sealer
  logger: Logger
  /** What the page shows has changed. */
  changes: Changes
}

/** The door for relays and servers (mutual TLS). */
export function createFieldDoor(context: DaemonContext): FastifyInstance {
  const { store, trust, identity, shelf, payloads, sealer, logger } = context
  const roles = onlyRoles('relay', 'server', 'central')
  const admit = (peer: CertifiedPeer) => {
    roles(peer)
    checkStanding(shelf.document, peer)
  }
  const door = createPeerDoor(identity, admit, logger)
  peerRoutes(door, {
    meet: (peer, address, meeting) => answerMeeting(context, peer, address, meeting),
    lines: () => readOpenLines(store),
    manifests: async (carried, after, limit) => {
      await sealer.ask()
      return pendingBatches(store, carried, after, limit)
    },
    payload: (digest) => {
      const served = servedPayload(store, digest)
      return served && { ...served, path: payloads.pathOf(digest) }
    },
    takeCustody: async (_peer, receipts) => {
      const taken = await takeCustody(store, trust, receipts)
      context.changes.tell()
      return taken
    },
  })
  return door
}

/** The app's local API: on a unix socket as it is, on loopback behind a token (house rule 13). */
export function createLocalApi(context: DaemonContext, token: string | null): FastifyInstance {
  const api = strictFastify(context.logger)
  localRoutes(api, token, {
    record: async (body) => {
      const { store, shelf, identity, clock } = context
      const recorded = await recordChanges(
        { store, study: shelf.document, digestKey: identity.secrets.digestKey, clock },
        splitInput(body),
      )
      context.changes.tell()
      return recorded
    },
    status: () => statusOf(context),
  })
  return api
}

/** The assistant's page, on loopback. */
export function createFieldPage(context: DaemonContext): FastifyInstance {
  const { data, clock, logger, changes } = context
  const live = { snapshot: () => statusOf(context), onChange: (listener: () => void) => changes.onChange(listener) }
  return createPageDoor({
    data,
    title: 'This laptop',
    script: new URL('./web/page.js', import.meta.url),
    live,
    clock,
    logger,
  })
}

/** What the page and the API tell of this laptop. */
function statusOf({ store, data, identity, shelf }: DaemonContext) {
  return daemonStatus(store, data, identity, shelf.document)
}

async function answerMeeting(
  context: DaemonContext,
  peer: CertifiedPeer,
  address: string,
  meeting: Meeting,
): Promise<Meeting> {
  const problems = await absorb(context, meeting)
  rememberMeeting(context, peer, address, problems)
  return ownMeeting(context, meeting.studyVersion)
}

/** Notes who was met; what the peer told wrongly is the operator's to know. */
export function rememberMeeting(
  context: DaemonContext,
  peer: { device: string; role: string },
  address: string,
  problems: WaybillError[],
): void {
  const { store, clock, logger } = context
  store.$client
    .prepare('INSERT OR REPLACE INTO meetings (device, role, address, at) VALUES (?, ?, ?, ?)')
    .run(peer.device, peer.role, address, clock.now().toISOString())
  for (const problem of problems) {
    logger.warn({ peer: peer.device, code: problem.code }, problem.message)
    writeLastError(store, problem, peer.device, clock.now())
  }
  logger.info({ peer: peer.device, self: deviceOf(context.identity) }, 'met')
  context.changes.tell()
}
