import type { Command } from 'commander'
import { readFeed } from '../server/feed.ts'
import { openServer } from './open-server.ts'
import { dataOption, examples } from './options.ts'
import { sayAll } from './print.ts'

export function addChanges(waybill: Command): void {
  const command = waybill
    .command('changes')
    .description('print what was opened, in order, each change once, as NDJSON: {change, producer, batch, cursor}')
    .addOption(dataOption("the server's data directory"))
    .option('--after <cursor>', 'go on after this place: the cursor of the last change that was read')
    .action(changes)
  examples(
    command,
    'waybill changes --data /srv/waybill > all.ndjson',
    'waybill changes --data /srv/waybill --after 1-2f0c9a7e.1500 >> all.ndjson',
  )
}

async function changes({ data, after }: { data: string; after?: string }): Promise<void> {
  const opened = await openServer(data)
  await sayAll(asJson(readFeed(opened, after)))
  opened.close()
}

async function* asJson(entries: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const entry of entries) yield JSON.stringify(entry)
}
