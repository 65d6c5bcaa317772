import type { Command } from 'commander'
import { type DaemonStatus, daemonStatus } from '../daemon/status.ts'
import { type RelayStatus, relayStatus } from '../relay/status.ts'
import { type ServerStatus, serverStatus } from '../server/status.ts'
import { readIdentity } from '../shared/crypto/identity.ts'
import { openLaptop } from './open-laptop.ts'
import { openRelay } from './open-relay.ts'
import { openServer } from './open-server.ts'
import { dataOption, jsonOption } from './options.ts'
import { say, sayJson, sayTable } from './print.ts'

type Status = DaemonStatus | RelayStatus | ServerStatus

export function addStatus(waybill: Command): void {
  waybill
    .command('status')
    .description('tell what this device is, what it holds in each state, whom it has met, and what went wrong last')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(async ({ data, json }: { data: string; json?: boolean }) => {
      const status = await readStatus(data)
      if (json) sayJson(status)
      else tell(status)
    })
}

/** The state of whatever device the directory holds. @throws DATA_MISSING */
async function readStatus(data: string): Promise<Status> {
  const { role } = readIdentity(data)
  if (role === 'field') {
    const { store, identity, shelf, close } = await openLaptop(data)
    const status = daemonStatus(store, data, identity, shelf.document)
    close()
    return status
  }
  if (role === 'relay') {
    const { store, identity, shelf, close } = await openRelay(data)
    const status = relayStatus({ data, identity, store, study: shelf.document })
    close()
    return status
  }
  const { store, identity, shelf, close } = await openServer(data)
  const status = serverStatus(store, data, identity, shelf.document)
  close()
  return status
}

function tell(status: Status): void {
  const { name, role, device, studyName, studyVersion, running, ports, lastError } = status
  const listens = Object.entries(ports).map(([what, port]) => `${what} ${port}`)
  say(`${name} (${role} ${device.slice(0, 8)}) of study ${studyName}, configuration ${studyVersion}`)
  say(running ? `running: ${listens.join(', ')}` : 'not running')
  if (status.program === 'daemon') tellLaptop(status)
  else if (status.program === 'relay') tellRelay(status)
  else tellServer(status)
  if (lastError) say(`last error: ${lastError.code}: ${lastError.message} (${lastError.at}). Hint: ${lastError.hint}`)
}

const laptopWords: Record<keyof DaemonStatus['counts'], string> = {
  outbox: 'safe on this laptop, not sealed',
  sealed: 'safe on this laptop, sealed',
  withDriver: 'with a driver',
  atServer: 'at the clinic, not opened',
  delivered: 'at the clinic, opened',
  safe: '  of these in a backup',
  pruned: '  of these removed here',
  missing: 'removed here, and the clinic lost it',
}

function tellLaptop({ counts, openLines, couriers, peers }: DaemonStatus): void {
  const states = Object.entries(laptopWords) as Array<[keyof DaemonStatus['counts'], string]>
  sayTable(
    ['', 'changes', 'batches'],
    states.map(([state, words]) => [words, counts[state].changes, counts[state].batches]),
  )
  say(`open requisitions: ${openLines}`)
  for (const { name, since, changes } of couriers) say(`with ${name}: ${changes} changes since ${since}`)
  for (const { name, role, address, at } of peers) say(`met ${name} (${role}) at ${address}, ${at}`)
}

const relayWords: Record<keyof RelayStatus['batches'], string> = {
  pulling: 'told of, not here',
  aboard: 'on this laptop, signed for',
  forwarded: 'at the clinic, not opened',
  delivered: 'at the clinic, opened',
  quarantined: 'set aside',
}

function tellRelay({ batches, receiptsToBringBack, lines, near, peers }: RelayStatus): void {
  const states = Object.entries(relayWords) as Array<[keyof RelayStatus['batches'], string]>
  sayTable(
    ['', 'changes', 'batches'],
    states.map(([state, words]) => [words, batches[state].changes, batches[state].batches]),
  )
  say(`requisition lines aboard: ${lines}; laptops to bring receipts to: ${receiptsToBringBack}`)
  say(`near: ${near.seen} seen, ${near.reachable} reachable, ${near.trusted} trusted`)
  for (const { name, role, state, since, why } of peers)
    say(`${name} (${role}): ${state} since ${since}${why === null ? '' : `: ${why}`}`)
}

function tellServer({ counts, chains, aside, alarms, lastBackup }: ServerStatus): void {
  sayTable(
    ['', 'changes', 'batches'],
    [
      ['taken in, not opened', counts.ingested.changes, counts.ingested.batches],
      ['opened', counts.opened.changes, counts.opened.batches],
      ['waiting for a person', counts.held.changes, counts.held.batches],
      ['set aside', counts.quarantined.changes, counts.quarantined.batches],
    ],
  )
  say(`changes in the feed: ${counts.changes}; lines that are no change: ${counts.badLines}`)
  sayTable(
    ['laptop', 'chain', 'opened through', 'in a backup through', 'known of', 'missing'],
    chains.map(({ name, chain, through, safeThrough, witnessed, missing }) => [
      ...[name, chain.slice(0, 8), through, safeThrough, witnessed],
      missing.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ') || '-',
    ]),
  )
  for (const { batch, seq, state, code, message } of aside)
    say(`${state}: batch ${seq} ${batch.slice(0, 8)}: ${code ?? ''} ${message ?? ''}`)
  for (const alarm of alarms) say(`ALARM ${alarm}`)
  say(lastBackup ? `last backup: ${lastBackup.at}, ${lastBackup.path}` : 'no backup was made yet')
}
