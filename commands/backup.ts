import { type Command, Option } from 'commander'
import { backUp } from '../server/backup.ts'
import { systemClock } from '../shared/service/clock.ts'
import { withGiven } from './given-path.ts'
import { openServer } from './open-server.ts'
import { dataOption, directory, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'
import { showProgress } from './show-progress.ts'

export function addBackup(waybill: Command): void {
  const command = waybill
    .command('backup')
    .description('make a verified copy of a server, also while it runs; laptops may one day delete what is in it')
    .addOption(dataOption("the server's data directory"))
    .addOption(
      new Option('--to <dir>', 'a directory on another disk: every backup gets a number under it')
        .argParser(directory)
        .makeOptionMandatory(),
    )
    .addOption(jsonOption())
    .action(backup)
  examples(command, 'waybill backup --data /srv/waybill --to /mnt/other-disk/waybill')
}

async function backup({ data, to, json }: { data: string; to: string; json?: boolean }): Promise<void> {
  const opened = await openServer(data)
  try {
    const made = await withGiven(to, () => backUp({ ...opened, clock: systemClock }, to, showProgress()))
    if (json) sayJson(made)
    else say(`${made.path}: ${made.batches} batches, read back and found whole. Keep it away from this computer.`)
  } finally {
    opened.close()
  }
}
