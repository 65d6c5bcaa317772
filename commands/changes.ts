import type { Command } from 'commander'
import { readFeed } from '../server/feed.ts'
import { openServer } from './open-server.ts'
import { dataOption } from './options.ts'
import { sayAll } from './print.ts'

export function addChanges(waybill: Command): void {
  waybill
    .command('changes')
    .description('print what was opened, in order, each change once, as NDJSON: {change, producer, batch, cursor}')
    .addOption(dataOption("the server's data directory"))
    .option('--after <cursor>', 'go on after this place')
    .action(changes)
}

async function changes({ data, after }: { data: string; after?: string }): Promise<void> {
  const { store, close } = await openServer(data)
  await sayAll(asJson(readFeed(store, after)))
  close()
}

function* asJson(entries: Iterable<unknown>): Generator<string> {
  for (const entry of entries) yield JSON.stringify(entry)
}
