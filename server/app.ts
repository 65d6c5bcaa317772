import type { FastifyInstance } from 'fastify'
import type { CertifiedPeer } from '../shared/crypto/certificate.ts'
import { onlyRoles } from '../shared/crypto/mutual-tls.ts'
import { checkStanding } from '../shared/crypto/standing.ts'
import type { WebCertificate } from '../shared/crypto/web-certificate.ts'
import { maxMeetingBytes } from '../shared/protocol/meeting.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import type { Repeated } from '../shared/service/repeat.ts'
import { admitPeers } from '../shared/transfer/peer-door.ts'
import type { Changes } from '../shared/web/changes.ts'
import { checkOrigin } from '../shared/web/check-origin.ts'
import { createPageDoor } from '../shared/web/page-door.ts'
import { pageHeaders } from '../shared/web/page-headers.ts'
import { strictFastify } from '../shared/web/strict-fastify.ts'
import { type AddContext, redeemCode } from './add-device.ts'
import { AppAdmission } from './app-admission.ts'
import { writeFact, writeLastError } from './facts.ts'
import { readFeed } from './feed.ts'
import { followFeed, type Reading } from './follow-feed.ts'
import { secureOptions } from './https-certificate.ts'
import { type IngestContext, ingest } from './ingest.ts'
import { answerMeeting } from './meet.ts'
import { answerOffer } from './offer.ts'
import type { Precedence } from './precedence.ts'
import { programVersion } from './program-version.ts'
import { historyOf, listRecords, readRecord } from './read-records.ts'
import { readStates } from './read-states.ts'
import { type AppVerbs, appRoutes } from './routes/app-routes.ts'
import { deviceRoutes } from './routes/device-routes.ts'
import { enrolmentRoutes } from './routes/enrolment-routes.ts'
import { openApi } from './routes/openapi.ts'
import { serverStatus } from './status.ts'
import { takeHandovers } from './take-handovers.ts'

/** What the server's doors need to know. */
export interface ServerContext extends IngestContext, AddContext {
  logger: Logger
  changes: Changes
}

const mostProblems = 8
const handshakeTimeoutMs = 10_000
/** Longer than a long poll: whoever takes nothing for so long is gone. */
const idleMs = 90_000
/** A pk has up to 200 characters, each of up to 9 in an address. */
const maxParamLength = 1_800

/** The door for enrolled laptops and relays; `opener` is told when there is something to open, and lets what is taken in pass. */
export function createDeviceDoor(
  context: ServerContext,
  opener: Pick<Repeated, 'soon'>,
  intake: Precedence,
): FastifyInstance {
  const { shelf, identity, logger, changes } = context
  const roles = onlyRoles('field', 'relay')
  const door = strictFastify(logger, { bodyLimit: maxMeetingBytes })
  admitPeers(door, identity.study, (peer: CertifiedPeer) => {
    roles(peer)
    checkStanding(shelf.document, peer)
  })
  deviceRoutes(door, {
    meet: async (peer, address, meeting) => {
      const { answer, problems } = await answerMeeting(context, peer, meeting)
      noteProblems(context, peer.device, address, problems)
      changes.tell()
      return answer
    },
    offer: (peer, offer) => answerOffer(context, peer.device, offer),
    ingest: async (peer, batches) => {
      const ingested = await intake.during(() => ingest(context, peer.device, batches))
      for (const { digest, error } of ingested.refused)
        logger[error.status >= 500 ? 'error' : 'info'](
          { peer: peer.device, batch: digest, code: error.code },
          error.message,
        )
      opener.soon()
      changes.tell()
      return ingested
    },
    takeHandovers: async (given) => {
      const taken = await takeHandovers(context, given)
      changes.tell()
      return taken
    },
  })
  return door
}

/** A peer can show thousands of bad documents at once: a few are told, and the disk is asked once. */
function noteProblems(
  { store, logger, clock }: ServerContext,
  peer: string,
  address: string,
  problems: WaybillError[],
) {
  for (const { code, message } of problems.slice(0, mostProblems)) logger.warn({ peer, address, code }, message)
  if (problems.length > mostProblems) logger.warn({ peer, address, problems: problems.length }, 'there are more')
  const last = problems.at(-1)
  if (last) writeLastError(store, last, peer, clock.now())
  const conflict = problems.find(({ code }) => code === 'STUDY_CONFLICT')
  if (conflict) writeFact(store, 'alarm:study', conflict.message)
}

/** The door for devices that are not enrolled yet. */
export function createEnrolmentDoor(context: ServerContext): FastifyInstance {
  const door = strictFastify(context.logger, { bodyLimit: 16_384 })
  let last = Promise.resolve<unknown>(undefined)
  enrolmentRoutes(door, (request) => {
    // One after another: each publishes the next study document.
    const answer = last.catch(() => undefined).then(() => redeemCode(context, request))
    last = answer
    return answer
  })
  return door
}

/**
 * The door for people and apps: HTTPS, on a port of its own, for the device door asks for certificates that a browser does not have.
 * Each mounts here in a scope of its own (`door.register`), whose own hook lets in whom it knows; nothing else is open. What is said to
 * browsers, and that no other site's page may ask in a person's name, holds for all of them.
 */
export function createHttpsDoor(context: ServerContext, certificate: WebCertificate): FastifyInstance {
  const https = { ...secureOptions(certificate), handshakeTimeout: handshakeTimeoutMs }
  const limits = { bodyLimit: 65_536, requestTimeout: 30_000, connectionTimeout: idleMs, exposeHeadRoutes: false }
  const door = strictFastify(context.logger, { https, ...limits, routerOptions: { maxParamLength } })
  door.addHook('onRequest', async (request, reply) => {
    reply.headers(pageHeaders)
    checkOrigin(request)
  })
  door.register(async (apps) => appRoutes(apps, appVerbs(context, door)))
  return door
}

/** What apps read; a long poll ends when the server does. */
function appVerbs(context: ServerContext, door: FastifyInstance): AppVerbs {
  const { store, clock, changes } = context
  const admission = new AppAdmission(store, clock)
  const closing = new AbortController()
  door.addHook('preClose', async () => closing.abort())
  const follow = <T>(reading: Reading, read: (after: string) => AsyncGenerator<T>) =>
    followFeed(read, { ...reading, ended: AbortSignal.any([reading.ended, closing.signal]) }, changes)
  return {
    admit: (authorization, address) => admission.admit(authorization, address),
    beginRead: (app) => admission.beginRead(app),
    changes: (reading) => follow(reading, (after) => readFeed(context, after)),
    states: (reading) => follow(reading, (after) => readStates(context, after)),
    records: (model, afterPk, limit) => listRecords(context, model, afterPk, limit),
    record: (model, pk) => readRecord(context, model, pk),
    history: (model, pk) => historyOf(context, model, pk),
    openApi: () => openApi(programVersion),
  }
}

/** The status page, on loopback. */
export function createServerPage(context: ServerContext): FastifyInstance {
  const { store, data, identity, shelf, clock, logger, changes } = context
  const live = {
    snapshot: () => serverStatus(store, data, identity, shelf.document),
    onChange: (listener: () => void) => changes.onChange(listener),
  }
  return createPageDoor({
    data,
    title: 'Clinic server',
    script: new URL('./web/page.js', import.meta.url),
    live,
    clock,
    logger,
  })
}
