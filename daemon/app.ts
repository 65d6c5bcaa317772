import type { FastifyInstance } from 'fastify'
import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import { deviceOf } from '../shared/crypto/identity.ts'
import { onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { Desk } from '../shared/handover/open-desk.ts'
import type { Meeting } from '../shared/protocol/meeting.ts'
import type { OpenLine } from '../shared/protocol/requisition-line.ts'
import type { Awake } from '../shared/service/awake.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import type { PayloadStore } from '../shared/storage/payload-store.ts'
import { prepared } from '../shared/storage/prepared.ts'
import { commitWithoutSync } from '../shared/storage/without-sync.ts'
import { createPeerDoor } from '../shared/transfer/peer-door.ts'
import type { Changes } from '../shared/web/changes.ts'
import { createPageDoor } from '../shared/web/page-door.ts'
import { strictFastify } from '../shared/web/strict-fastify.ts'
import { writeLastError } from './facts.ts'
import { absorb, type MeetContext, ownMeeting } from './meet.ts'
import { recordChanges } from './outbox.ts'
import { pendingBatches, serve } from './pending.ts'
import { localRoutes } from './routes/local-routes.ts'
import { peerRoutes } from './routes/peer-routes.ts'
import { tubeRoutes } from './routes/tube-routes.ts'
import type { Sealer } from './sealer.ts'
import { servedLines } from './served-lines.ts'
import { splitInput } from './split-input.ts'
import { daemonStatus } from './status.ts'
import { takeCustody } from './take-custody.ts'
import { waitingTubes } from './waiting-tubes.ts'

/** What the field laptop's doors need to know. */
export interface DaemonContext extends MeetContext {
  data: string
  payloads: PayloadStore
  sealer: Sealer
  logger: Logger
  /** Touched while data moves. */
  awake: Awake
  /** What the page shows has changed. */
  changes: Changes
  /** Where tubes change hands, and what tells that something of it has changed. */
  desk: Desk
  tubes: Changes
  openLines(): OpenLine[]
  /** The sha-256 of the lines as served. */
  linesDigest(): string
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
    lines: () => servedLines(context),
    manifests: async (query) => {
      // What cannot be sealed now, on a full disk for one, holds up nothing that is sealed (invariant 8).
      await sealer.ask().catch((error) => noteProblem(context, 'sealing', error))
      return pendingBatches(store, query)
    },
    payloads: (asked) => {
      context.awake.touch()
      return serve(store, payloads, asked, (digest, error) => noteProblem(context, digest, error))
    },
    handover: async (peer, told) => ({
      ...(await context.desk.answer(peer.device, told)),
      lines: context.linesDigest(),
    }),
    takeCustody: async (peer, receipts) => {
      const { taken, problems } = await takeCustody(store, trust, deviceOf(identity), peer.device, receipts)
      for (const problem of problems) noteProblem(context, peer.device, problem)
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
  const { data, clock, logger, changes, desk, tubes } = context
  const live = { snapshot: () => statusOf(context), onChange: (listener: () => void) => changes.onChange(listener) }
  const door = createPageDoor({
    data,
    title: 'This laptop',
    script: new URL('./web/page.js', import.meta.url),
    live,
    handover: { desk, changes: tubes },
    clock,
    logger,
  })
  tubeRoutes(door, () => waitingTubes(context.openLines(), clock.now()))
  return door
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
  const problems = await absorb(context, peer.device, meeting)
  rememberMeeting(context, peer, address, problems)
  return { ...(await ownMeeting(context, meeting.studyVersion)), lines: context.linesDigest() }
}

/** Notes who was met; what the peer told wrongly is the operator's to know. On a full disk people still meet. */
export function rememberMeeting(
  context: DaemonContext,
  peer: { device: string; role: string },
  address: string,
  problems: WaybillError[],
): void {
  const { store, clock, logger } = context
  try {
    const note = 'INSERT OR REPLACE INTO meetings (device, role, address, at) VALUES (?, ?, ?, ?)'
    commitWithoutSync(store.$client, () =>
      prepared(store.$client, note).run(peer.device, peer.role, address, clock.now().toISOString()),
    )
  } catch (error) {
    noteProblem(context, 'this disk', error)
  }
  for (const problem of problems) noteProblem(context, peer.device, problem)
  logger.info({ peer: peer.device, self: deviceOf(context.identity) }, 'met')
  context.changes.tell()
}

/** Tells the operator what went wrong, in the log and, where the disk takes it, as the last error. */
export function noteProblem({ store, clock, logger }: DaemonContext, about: string, thrown: unknown): void {
  const error = asWaybillError(thrown)
  logger.warn({ about, code: error.code }, error.message)
  try {
    writeLastError(store, error, about, clock.now())
  } catch (unwritten) {
    logger.error({ err: unwritten }, 'the last error could not be stored')
  }
}
