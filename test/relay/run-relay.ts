import { setTimeout as pause } from 'node:timers/promises'
import { noteAllGone } from '../../relay/note-peer.ts'
import { type Hold, openHold } from '../../relay/open-store.ts'
import { Peers } from '../../relay/peers.ts'
import { type RelayStatus, relayStatus } from '../../relay/status.ts'
import type { Clock } from '../../shared/service/clock.ts'
import { systemClock } from '../../shared/service/clock.ts'
import { createLogger } from '../../shared/service/logger.ts'
import type { TestDevice } from '../fixtures/study.ts'

/** A relay's verbs on a test device's directory, without its doors. */
export interface TestRelay {
  hold: Hold
  peers: Peers
  status(): RelayStatus
  /** Wakes the relay until the condition holds. */
  until(condition: () => boolean): Promise<void>
  close(): Promise<void>
}

/** Opens the relay; nothing happens before it is woken. */
export async function openTestRelay({ data }: TestDevice, clock: Clock = systemClock): Promise<TestRelay> {
  const hold = await openHold(data, clock, createLogger('test', process.env.TEST_LOG ?? 'silent'))
  noteAllGone(hold)
  const peers = new Peers(hold, () => undefined)
  const status = () => relayStatus({ ...hold, data, study: hold.shelf.document }, peers)
  const until = async (condition: () => boolean) => {
    for (const end = performance.now() + 20_000; !condition(); ) {
      if (performance.now() > end) throw new Error(`waited in vain: ${JSON.stringify(status())}`)
      peers.wake()
      await pause(5)
    }
  }
  const close = async () => {
    await peers.close()
    hold.store.$client.close()
  }
  return { hold, peers, status, until, close }
}
