import type { Command } from 'commander'
import { currentRecords } from '../server/current-records.ts'
import { readStates, type StateEntry } from '../server/read-states.ts'
import { openServer } from './open-server.ts'
import { dataOption, examples } from './options.ts'
import { sayAll } from './print.ts'

interface Options {
  data: string
  model?: string
  after?: string
}

export function addRecords(waybill: Command): void {
  const command = waybill
    .command('records')
    .description('print every record as it is now, as NDJSON; or with --after, what has changed since')
    .addOption(dataOption("the server's data directory"))
    .option('--model <model>', 'only records of this model')
    .option('--after <cursor>', 'what records have shown since: the cursor of the last line that was read')
    .action(records)
  examples(
    command,
    'waybill records --data /srv/waybill > monday.ndjson',
    'waybill records --data /srv/waybill --model clinic.visit --after 1-2f0c9a7e.1500',
  )
}

/** All of one moment, whatever the server does meanwhile. */
async function records({ data, model, after }: Options): Promise<void> {
  const opened = await openServer(data)
  const { $client } = opened.store
  $client.exec('BEGIN')
  const entries = after === undefined ? currentRecords(opened, model) : readStates(opened, after)
  await sayAll(asJson(entries, model))
  $client.exec('COMMIT')
  opened.close()
}

async function* asJson(entries: AsyncIterable<StateEntry>, model: string | undefined): AsyncGenerator<string> {
  for await (const entry of entries) if (model === undefined || entry.model === model) yield JSON.stringify(entry)
}
