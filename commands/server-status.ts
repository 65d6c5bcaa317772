import type { SinkStatus } from '../server/sink-status.ts'
import { type ServerStatus, serverStatus } from '../server/status.ts'
import { openServer } from './open-server.ts'
import { say, sayTable } from './print.ts'

/** The state of a server. @throws DATA_MISSING */
export async function readServer(data: string): Promise<ServerStatus> {
  const { store, identity, shelf, close } = await openServer(data)
  const status = serverStatus(store, data, identity, shelf.document)
  close()
  return status
}

export function tellServer(status: ServerStatus): void {
  const { counts, records, handovers, chains, aside, alarms, sink, lastBackup } = status
  sayTable(
    ['', 'changes', 'batches'],
    [
      ['taken in, not opened', counts.ingested.changes, counts.ingested.batches],
      ['opened', counts.opened.changes, counts.opened.batches],
      ['waiting for a person', counts.held.changes, counts.held.batches],
      ['set aside', counts.quarantined.changes, counts.quarantined.batches],
      ['refused by a person', counts.refused.changes, counts.refused.batches],
    ],
  )
  say(`changes in the feed: ${counts.changes}; lines that are no change: ${counts.badLines}`)
  tellRecords(records)
  say(
    `handovers: ${handovers.signed} signed by both, ${handovers.signedByOne} by one, ${handovers.open} not signed yet`,
  )
  if (chains.length > 0) tellChains(chains)
  for (const { batch, seq, state, code, message } of aside)
    say(`${state}: batch ${seq} ${batch.slice(0, 8)}: ${code ?? ''} ${message ?? ''}`)
  if (sink) tellSink(sink)
  for (const alarm of alarms) say(`ALARM ${alarm}`)
  say(lastBackup ? `last backup: ${lastBackup.at}, ${lastBackup.path}` : 'no backup was made yet')
}

function tellSink({ place, cursor, behind, writtenAt, awaySince, problem }: SinkStatus): void {
  const last = writtenAt === null ? 'nothing was written yet' : `last written ${writtenAt}`
  const known = cursor === null ? 'what is there is not known yet' : `${behind} not there yet`
  say(`app's database ${place}: ${known}, ${last}`)
  if (problem && awaySince)
    say(`  not reached since ${awaySince}: ${problem.code}: ${problem.message}. Hint: ${problem.hint}`)
}

function tellRecords({ conflicts, duplicates, ...of }: ServerStatus['records']): void {
  sayTable(
    ['', 'changes'],
    [
      ['opened, not applied', of.toApply],
      ['applied', of.applied],
      ['waiting for a record that they name', of.waiting],
      ['held until their model is published', of.held],
      ['set aside, cannot be applied', of.quarantined],
      ['discarded by a person', of.discarded],
    ],
  )
  say(`records on which changes disagree: ${conflicts}; natural keys that several records bear: ${duplicates}`)
}

function tellChains(chains: ServerStatus['chains']): void {
  sayTable(
    ['laptop', 'chain', 'opened through', 'in a backup through', 'known of', 'missing'],
    chains.map(({ name, chain, through, safeThrough, witnessed, missing }) => [
      ...[name, chain.slice(0, 8), through, safeThrough, witnessed],
      missing.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ') || '-',
    ]),
  )
}
