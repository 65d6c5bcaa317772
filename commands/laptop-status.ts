import { type DaemonStatus, daemonStatus } from '../daemon/status.ts'
import { openLaptop } from './open-laptop.ts'
import { say, sayTable } from './print.ts'

/** The state of a field laptop. @throws DATA_MISSING */
export async function readLaptop(data: string): Promise<DaemonStatus> {
  const { store, identity, shelf, close } = await openLaptop(data)
  const status = daemonStatus(store, data, identity, shelf.document)
  close()
  return status
}

const words: Record<keyof DaemonStatus['counts'], string> = {
  outbox: 'safe on this laptop, not sealed',
  sealed: 'safe on this laptop, sealed',
  withDriver: 'with a driver',
  atServer: 'at the clinic, not opened',
  delivered: 'at the clinic, opened',
  safe: '  of these in a backup',
  pruned: '  of these removed here',
  missing: 'removed here, and the clinic lost it',
}

export function tellLaptop({ counts, handovers, openLines, couriers, peers }: DaemonStatus): void {
  const states = Object.entries(words) as Array<[keyof DaemonStatus['counts'], string]>
  sayTable(
    ['', 'changes', 'batches'],
    states.map(([state, word]) => [word, counts[state].changes, counts[state].batches]),
  )
  say(`open requisitions: ${openLines}`)
  say(
    `handovers: ${handovers.signed} signed by both, ${handovers.signedByOne} by one, ${handovers.open} not signed yet; at the clinic: ${handovers.atServer}`,
  )
  for (const { name, since, changes } of couriers) say(`with ${name}: ${changes} changes since ${since}`)
  for (const { name, role, address, at } of peers) say(`met ${name} (${role}) at ${address}, ${at}`)
}
