import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { deviceOf, readIdentity } from '../shared/crypto/identity.ts'
import { openTrust } from '../shared/crypto/stored-trust.ts'
import { Neighbourhood } from '../shared/discovery/neighbourhood.ts'
import type { Clock } from '../shared/service/clock.ts'
import { asWaybillError, type WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import { type Repeated, repeat } from '../shared/service/repeat.ts'
import { claimRuntime, clearRuntime, writeRuntime } from '../shared/service/runtime.ts'
import { othersWriteTo } from '../shared/storage/database-state.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import { openPort } from '../shared/transfer/open-port.ts'
import { Changes } from '../shared/web/changes.ts'
import { createDeviceDoor, createEnrolmentDoor, createHttpsDoor, createServerPage, type ServerContext } from './app.ts'
import { applyNext } from './apply.ts'
import { decidedOnBatches } from './batch-decisions.ts'
import { BatchReader } from './batch-reader.ts'
import type { ServerConfig } from './config.ts'
import { signChains } from './delivery.ts'
import { writeFact, writeLastError } from './facts.ts'
import { HttpsCertificate } from './https-certificate.ts'
import { mountManager } from './manager/door.ts'
import { openAll, tryAgain } from './open-batch.ts'
import { openSink } from './open-sink.ts'
import { openStore } from './open-store.ts'
import { ownAddresses } from './own-addresses.ts'
import { Precedence } from './precedence.ts'
import { releaseHeld } from './release-held.ts'
import { createSplitServer } from './split-door.ts'
import { PayloadSweep } from './sweep-payloads.ts'

/** A running program. */
export interface Running {
  ports: Record<string, number>
  close(): Promise<void>
}

/** Starts the server's program. @throws DATA_MISSING, LOCKED, ADDRESS_IN_USE */
export async function startServer(
  config: ServerConfig,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<Running> {
  const identity = readIdentity(config.data)
  await claimRuntime(config.data, 'server', clock.now())
  const context = await openContext(config, clock, logger)
  tryAgain(context.store)
  const sweep = await PayloadSweep.begin(context)
  const reader = new BatchReader(config.data)
  // A driver waits for what is taken in; a laptop's receipt for what is opened; and nobody for what is applied.
  const [intake, opening] = [new Precedence(), new Precedence()]
  const applier = repeat(5_000, logger, () => applyAll(context, reader, [intake, opening], () => opener.soon()))
  const opener = repeat(5_000, logger, () => opening.during(() => openAndSign(context, reader, applier, intake)))
  const devices = createDeviceDoor(context, opener, intake)
  const enrolment = createEnrolmentDoor(context)
  await Promise.all([devices.ready(), enrolment.ready()])
  const { server, dropStrangers } = createSplitServer(identity, devices, enrolment, logger)
  const page = createServerPage(context)
  const certificate = await HttpsCertificate.open(config.data, deviceOf(identity), config.httpsNames)
  const people = createHttpsDoor(context, certificate.now)
  mountManager(people, context, {
    certificate: () => certificate.now.certificate,
    decided: () => opener.soon(),
  })
  const ports: Record<string, number> = {
    port: await listen(server, config.port),
    pagePort: await openPort(page, config.pagePort, '127.0.0.1'),
    httpsPort: await openPort(people, config.httpsPort, config.httpsOn),
  }
  context.addresses = config.addresses.length > 0 ? config.addresses : ownAddresses(ports.port ?? 0, config.announceOn)
  writeFact(context.store, 'addresses', JSON.stringify(context.addresses))
  await writeRuntime(config.data, { program: 'server', pid: process.pid, startedAt: clock.now().toISOString(), ports })
  const sink = openSink(config, context)
  const neighbourhood = new Neighbourhood({
    study: identity.study,
    instance: deviceOf(identity),
    port: ports.port ?? 0,
    only: config.announceOn,
    logger,
    heard: () => undefined,
  })
  const refresher = repeat(1_000, logger, () => refreshShelf(context, applier))
  // What a person decides at the terminal is another program's batch.
  const othersWrote = othersWriteTo(context.store.$client)
  const listener = repeat(250, logger, () => othersWrote() && opener.soon())
  const certifier = repeat(10_000, logger, () => certificate.renew(people.server as Server))
  sweep.start()
  logger.info({ ports, device: deviceOf(identity) }, 'the server is ready')
  const close = async () => {
    await neighbourhood.close()
    await people.close()
    await sink?.stop()
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    dropStrangers()
    await closed
    await Promise.all([opener.stop(), refresher.stop(), listener.stop(), certifier.stop(), sweep.stop()])
    await applier.stop()
    await reader.close()
    await Promise.all([devices.close(), enrolment.close(), page.close()])
    context.store.$client.close()
    clearRuntime(config.data)
  }
  return { ports, close }
}

async function openContext(config: ServerConfig, clock: Clock, logger: Logger): Promise<ServerContext> {
  const identity = readIdentity(config.data)
  const store = openStore(config.data)
  const trust = await openTrust(identity, store)
  const shelf = await StudyShelf.open(config.data, trust)
  const payloads = new PayloadStore(join(config.data, 'payloads'))
  return {
    data: config.data,
    identity,
    store,
    trust,
    shelf,
    payloads,
    clock,
    logger,
    addresses: [],
    changes: new Changes(),
  }
}

/** Opens all that waits, and signs what changed; the page follows along. What the disk refused is the operator's to hear. */
async function openAndSign(
  context: ServerContext,
  reader: BatchReader,
  applier: Repeated,
  intake: Precedence,
): Promise<void> {
  const failed = await openAll(
    { ...context, reader },
    () => context.changes.tell(),
    () => intake.letPass(),
  )
  applier.soon()
  if ((await signChains(context)) > 0) context.changes.tell()
  if (failed) complain(context, failed, 'opening')
}

/**
 * Applies all that is opened, and what was held until now.
 * @param before what it lets pass between two steps
 * @param released called when a person's decision on a batch was applied: there may be something to open
 */
async function applyAll(
  context: ServerContext,
  reader: BatchReader,
  before: Precedence[],
  released: () => void,
): Promise<void> {
  const tell = () => context.changes.tell()
  const letPass = () => Promise.all(before.map((work) => work.letPass()))
  const decided = decidedOnBatches(context.store)
  try {
    for (; applyNext(context.store) > 0; await letPass()) tell()
    // Who publishes and then says to try again means what was published.
    await context.shelf.refresh()
    const failed = await releaseHeld({ ...context, reader }, tell)
    for (; applyNext(context.store) > 0; await letPass()) tell()
    if (decidedOnBatches(context.store) > decided) released()
    if (failed) throw failed
  } catch (error) {
    complain(context, asWaybillError(error), 'applying')
  }
}

/** What was held may be published now. */
async function refreshShelf({ shelf }: ServerContext, applier: Repeated): Promise<void> {
  const { version } = shelf.document
  await shelf.refresh()
  if (shelf.document.version !== version) applier.soon()
}

/** @throws what it is told */
function complain({ store, clock }: ServerContext, failed: WaybillError, about: string): never {
  writeLastError(store, failed, about, clock.now())
  throw failed
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asWaybillError(error)))
    server.listen(port, '0.0.0.0', resolve)
  })
  return (server.address() as AddressInfo).port
}
