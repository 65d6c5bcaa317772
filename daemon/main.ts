import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { deviceOf, readIdentity } from '../shared/crypto/identity.ts'
import { openTrust } from '../shared/crypto/stored-trust.ts'
import { Neighbourhood } from '../shared/discovery/neighbourhood.ts'
import { Awake } from '../shared/service/awake.ts'
import type { Clock } from '../shared/service/clock.ts'
import type { WaybillError } from '../shared/service/errors.ts'
import type { Logger } from '../shared/service/logger.ts'
import { repeat } from '../shared/service/repeat.ts'
import { claimRuntime, clearRuntime, writeRuntime } from '../shared/service/runtime.ts'
import { writeDurably } from '../shared/storage/durable-file.ts'
import { PayloadStore } from '../shared/storage/payload-store.ts'
import { StudyShelf } from '../shared/storage/study-shelf.ts'
import { openPort } from '../shared/transfer/open-port.ts'
import { adoptStudy } from './adopt-study.ts'
import {
  createFieldDoor,
  createFieldPage,
  createLocalApi,
  type DaemonContext,
  noteProblem,
  rememberMeeting,
} from './app.ts'
import { writeAppOutboxState } from './app-outbox/app-outbox-state.ts'
import { openAppOutbox } from './app-outbox/open-app-outbox.ts'
import { clockWatcher } from './clock-steps.ts'
import type { DaemonConfig } from './config.ts'
import { openHandover } from './handover.ts'
import { knock } from './knock.ts'
import { openStore } from './open-store.ts'
import { isServed } from './pending.ts'
import { prune } from './prune.ts'
import { push } from './push.ts'
import { PushTargets } from './push-targets.ts'
import { minuteCounter } from './running-minutes.ts'
import { Sealer } from './sealer.ts'

/** A running program. */
export interface Running {
  ports: Record<string, number>
  close(): Promise<void>
}

const longestSocketPath = 100

/** Starts the field laptop's program. @throws DATA_MISSING, LOCKED, ADDRESS_IN_USE */
export async function startDaemon(
  config: DaemonConfig,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<Running> {
  const identity = readIdentity(config.data)
  await claimRuntime(config.data, 'daemon', clock.now())
  const context = await openContext(config, clock, logger)
  const { store, shelf, changes } = context
  adoptStudy(store, shelf.document)
  await context.payloads.sweep((digest) => isServed(store, digest))
  const appOutbox = readAppsTable(context, config)
  const door = createFieldDoor(context)
  const page = createFieldPage(context)
  const api = await openLocalApi(context, config)
  const ports: Record<string, number> = {
    port: await openPort(door, config.port, '0.0.0.0'),
    pagePort: await openPort(page, config.pagePort, '127.0.0.1'),
    apiPort: await openPort(api.loopback, 0, '127.0.0.1'),
  }
  await writeRuntime(config.data, { program: 'daemon', pid: process.pid, startedAt: clock.now().toISOString(), ports })
  const targets = new PushTargets([...config.servers, ...(config.push ? identity.addresses : [])], clock, logger)
  const neighbourhood = new Neighbourhood({
    study: identity.study,
    instance: deviceOf(identity),
    port: ports.port ?? 0,
    only: config.announceOn,
    logger,
    heard: ({ kind, address, port, ours }) => {
      if (kind === 'goodbye') targets.gone(`${address}:${port}`)
      else if (ours && config.push) targets.heard(`${address}:${port}`)
    },
  })
  const countMinutes = minuteCounter(store, clock)
  const watchClock = clockWatcher(store, clock, () => uptime() * 1000)
  const work = [
    repeat(1_000, logger, async () => {
      await shelf.refresh()
      await context.sealer.tick().catch((error) => noteProblem(context, 'sealing', error))
    }),
    repeat(60_000, logger, async () => {
      countMinutes()
      if (watchClock()) changes.tell()
      if ((await prune(store, context.payloads, shelf.document.limits.retentionHours)) > 0) changes.tell()
    }),
    repeat(15_000, logger, () => knock(identity, ports.port ?? 0, config.announceOn)),
    ...(appOutbox ? [repeat(1_000, logger, () => appOutbox.reader.tick())] : []),
    ...(config.push ? [repeat(1_000, logger, () => targets.tryAll((host, port) => pushTo(context, host, port)))] : []),
  ]
  logger.info({ ports, device: deviceOf(identity) }, 'the field laptop is ready')
  const close = async () => {
    await neighbourhood.close()
    appOutbox?.reader.stop()
    await Promise.all(work.map((repeated) => repeated.stop()))
    await Promise.all([door, page, api.loopback, ...(api.socket ? [api.socket] : [])].map((app) => app.close()))
    await appOutbox?.close()
    context.awake.end()
    store.$client.close()
    clearRuntime(config.data)
  }
  return { ports, close }
}

async function openContext(config: DaemonConfig, clock: Clock, logger: Logger): Promise<DaemonContext> {
  const identity = readIdentity(config.data)
  const store = openStore(config.data)
  const trust = await openTrust(identity, store)
  const shelf = await StudyShelf.open(config.data, trust)
  const payloads = new PayloadStore(join(config.data, 'payloads'))
  const sealer = new Sealer(() => ({ store, payloads, identity, study: shelf.document, clock }), clock)
  const basis = {
    data: config.data,
    identity,
    store,
    trust,
    shelf,
    payloads,
    sealer,
    clock,
    logger,
    awake: new Awake(),
  }
  return { ...basis, ...openHandover(basis) }
}

/** On the unix socket the file's mode is the guard; on loopback a token is. */
async function openLocalApi(context: DaemonContext, config: DaemonConfig) {
  const token = randomBytes(32).toString('base64url')
  await writeDurably(join(config.data, 'api-token'), token, 0o600)
  const loopback = createLocalApi(context, token)
  const path = config.socket || join(config.data, 'daemon.sock')
  if (Buffer.byteLength(path) > longestSocketPath) {
    context.logger.warn({ path }, 'the path is too long for a unix socket: the local API answers on loopback only')
    return { loopback, socket: undefined }
  }
  const socket = createLocalApi(context, null)
  rmSync(path, { force: true })
  await socket.listen({ path })
  return { loopback, socket }
}

/** What the app commits to a table of its own is taken over from there. */
function readAppsTable(context: DaemonContext, config: DaemonConfig) {
  const { store, shelf, identity, clock, logger, changes } = context
  const appOutbox = openAppOutbox(config, {
    record: () => ({ store, study: shelf.document, digestKey: identity.secrets.digestKey, clock }),
    clock,
    logger,
    tell: (state) => {
      writeAppOutboxState(store, state)
      changes.tell()
    },
    problem: (error) => noteProblem(context, "the app's database", error),
  })
  if (!appOutbox) writeAppOutboxState(store, null)
  return appOutbox
}

async function pushTo(context: DaemonContext, host: string, port: number): Promise<void> {
  const seal = () => context.sealer.ask().catch((error) => noteProblem(context, 'sealing', error))
  const refused = (digest: string, error: WaybillError) => noteProblem(context, digest, error)
  const pushed = await push({ ...context, seal, refused }, host, port)
  rememberMeeting(context, pushed, `${host}:${port}`, pushed.problems)
}
