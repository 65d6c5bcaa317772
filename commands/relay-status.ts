import { type RelayStatus, relayStatus } from '../relay/status.ts'
import { openRelay } from './open-relay.ts'
import { say, sayTable } from './print.ts'

/** The state of a relay. @throws DATA_MISSING */
export async function readRelay(data: string): Promise<RelayStatus> {
  const { store, identity, shelf, close } = await openRelay(data)
  const status = relayStatus({ data, identity, store, study: shelf.document })
  close()
  return status
}

const words: Record<keyof RelayStatus['batches'], string> = {
  pulling: 'told of, not here',
  aboard: 'on this laptop, signed for',
  forwarded: 'at the clinic, not opened',
  delivered: 'at the clinic, opened',
  quarantined: 'set aside',
}

export function tellRelay({ batches, handovers, pulled, receiptsToBringBack, lines, near, peers }: RelayStatus): void {
  const states = Object.entries(words) as Array<[keyof RelayStatus['batches'], string]>
  sayTable(
    ['', 'changes', 'batches'],
    states.map(([state, word]) => [word, batches[state].changes, batches[state].batches]),
  )
  say(`batches signed for, ever: ${pulled}`)
  say(`requisition lines aboard: ${lines}; laptops to bring receipts to: ${receiptsToBringBack}`)
  say(
    `handovers: ${handovers.signed} signed by both, ${handovers.signedByOne} by one, ${handovers.open} not signed yet; at the clinic: ${handovers.atServer}`,
  )
  say(`near: ${near.seen} seen, ${near.reachable} reachable, ${near.trusted} trusted`)
  for (const { name, role, state, since, why } of peers)
    say(`${name} (${role}): ${state} since ${since}${why === null ? '' : `: ${why}`}`)
}
