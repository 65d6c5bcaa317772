import type { Clock } from '../shared/service/clock.ts'
import type { Logger } from '../shared/service/logger.ts'
import { repeat } from '../shared/service/repeat.ts'
import { claimRuntime, clearRuntime, writeRuntime } from '../shared/service/runtime.ts'
import { openPort } from '../shared/transfer/open-port.ts'
import { Changes } from '../shared/web/changes.ts'
import { createDriverPage, createKnockDoor } from './app.ts'
import type { RelayConfig } from './config.ts'
import { hearFixed, hearGateways, listen } from './discover.ts'
import { openHandover } from './handover.ts'
import { noteAllGone } from './note-peer.ts'
import { openHold } from './open-store.ts'
import { Peers } from './peers.ts'
import { wipeLines } from './wipe-lines.ts'

/** A running program. */
export interface Running {
  ports: Record<string, number>
  close(): Promise<void>
}

const wakeEveryMs = 200
const gatewaysEveryMs = 15_000
const wipeEveryMs = 5_000

/** Starts the middleman's program. @throws DATA_MISSING, ROLE_REFUSED, LOCKED, ADDRESS_IN_USE */
export async function startRelay(
  config: RelayConfig,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<Running> {
  const hold = await openHold(config.data, clock, logger)
  await claimRuntime(config.data, 'relay', clock.now())
  noteAllGone(hold)
  const changes = new Changes()
  const { desk, talks } = openHandover(hold)
  const peers = new Peers(hold, () => changes.tell())
  const door = createKnockDoor(hold, peers)
  const page = createDriverPage(config.data, hold, peers, changes, desk)
  const ports: Record<string, number> = {
    port: await openPort(door, config.port, '0.0.0.0'),
    pagePort: await openPort(page, config.pagePort, '127.0.0.1'),
  }
  await writeRuntime(config.data, { program: 'relay', pid: process.pid, startedAt: clock.now().toISOString(), ports })
  hearFixed(hold, peers, config)
  const neighbourhood = listen(hold, peers, config.browseOn, logger)
  const work = [
    repeat(wakeEveryMs, logger, () => {
      peers.wake()
      talks.wake()
    }),
    repeat(wipeEveryMs, logger, () => desk.forget(wipeLines(hold))),
    repeat(gatewaysEveryMs, logger, () => hearGateways(peers, config.browseOn)),
  ]
  logger.info({ ports, device: hold.device }, 'the relay is ready')
  const close = async () => {
    await neighbourhood.close()
    await Promise.all(work.map((repeated) => repeated.stop()))
    await Promise.all([peers.close(), talks.close()])
    await Promise.all([door.close(), page.close()])
    noteAllGone(hold)
    hold.awake.end()
    hold.store.$client.close()
    clearRuntime(config.data)
  }
  return { ports, close }
}
