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

export function tellLaptop({ running, counts, appOutbox, handovers, openLines, couriers, peers }: DaemonStatus): void {
  const states = Object.entries(words) as Array<[keyof DaemonStatus['counts'], string]>
  sayTable(
    ['', 'changes', 'batches'],
    states.map(([state, word]) => [word, counts[state].changes, counts[state].batches]),
  )
  if (appOutbox) tellAppOutbox(appOutbox, running)
  say(`open requisitions: ${openLines}`)
  say(
    `handovers: ${handovers.signed} signed by both, ${handovers.signedByOne} by one, ${handovers.open} not signed yet; at the clinic: ${handovers.atServer}`,
  )
  for (const { name, since, changes } of couriers) say(`with ${name}: ${changes} changes since ${since}`)
  for (const { name, role, address, at } of peers) say(`met ${name} (${role}) at ${address}, ${at}`)
}

/** A count that was taken before the database went away says nothing of now. */
function tellAppOutbox(appOutbox: NonNullable<DaemonStatus['appOutbox']>, running: boolean): void {
  const { database, state, since, waiting, setAside, refused, openTransactions, problem } = appOutbox
  const isCounted = running && waiting !== null && (state === 'reading' || state === 'paused')
  say(
    `from the app (${database}): ${running ? '' : 'when this ran last, '}${state}${since === null ? '' : ` since ${since}`}`,
  )
  say(`  not yet taken over from the app: ${isCounted ? waiting : 'not known now'}`)
  if (problem) say(`  ${problem.code}: ${problem.message}. Hint: ${problem.hint}`)
  for (const { which, since } of openTransactions) say(`  left open since ${since}, and so not taken over: ${which}`)
  if (setAside > 0) say(`  set aside, to be corrected in the app's table: ${setAside}`)
  for (const { position, code, message } of refused) say(`    row ${position}: ${code}: ${message}`)
}
