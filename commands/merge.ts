import type { Command } from 'commander'
import {
  type Duplicate,
  listDuplicates,
  listMerges,
  type MergeEntry,
  mergeRecords,
  retractMerge,
} from '../server/merge.ts'
import { asOption, atServer, type DecidingOptions, decideAt, reasonOption } from './deciding.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson, sayTable } from './print.ts'

const short = 12

export function addMerge(waybill: Command): void {
  // In `merge list --data X` it is the list's --data: each command takes what comes before the next one's name.
  const merge = waybill
    .enablePositionalOptions()
    .command('merge')
    .argument('<model>')
    .argument('<pk...>')
    .enablePositionalOptions()
    .description('decide that records of a model are one; or list such records, or part them again')
    .addOption(dataOption("the server's data directory"))
    // What it made mandatory would be asked of its subcommands too; deciding refuses an empty one.
    .addOption(reasonOption().makeOptionMandatory(false))
    .addOption(asOption())
    .addOption(jsonOption())
    .action((model: string, pks: string[], { reason = '', ...options }: Partial<DecidingOptions> & { data: string }) =>
      decideAt({ ...options, reason }, (context, who) => mergeRecords(context, who, model, pks)),
    )
  const list = merge
    .command('list')
    .description('list natural keys that several records bear, and the merges that are in force')
    .addOption(dataOption("the server's data directory"))
    .addOption(jsonOption())
    .action(listAll)
  const retract = merge
    .command('retract <merge>')
    .description('decide that a merge does not hold any more')
    .addOption(dataOption("the server's data directory"))
    .addOption(reasonOption())
    .addOption(asOption())
    .addOption(jsonOption())
    .action((named: string, options: DecidingOptions) =>
      decideAt(options, (context, who) => retractMerge(context, who, named)),
    )
  examples(merge, 'waybill merge clinic.subject 17 93 --data /srv/waybill --reason "enrolled twice"')
  examples(list, 'waybill merge list --data /srv/waybill')
  examples(retract, 'waybill merge retract 5d0e81f2 --data /srv/waybill --reason "twins"')
}

async function listAll({ data, json }: { data: string; json?: true }): Promise<void> {
  await atServer(data, async (context) => {
    const duplicates = await Array.fromAsync(listDuplicates(context))
    const merges = await listMerges(context)
    if (json) sayJson({ duplicates, merges })
    else tell(duplicates, merges)
  })
}

function tell(duplicates: Duplicate[], merges: MergeEntry[]): void {
  if (duplicates.length === 0) say('No two records bear one natural key.')
  else
    sayTable(
      ['model', 'natural key', 'records'],
      duplicates.map(({ model, records }) => [
        model,
        JSON.stringify(records[0]?.naturalKey),
        records.map(({ pk }) => pk).join(' '),
      ]),
    )
  if (merges.length === 0) return
  say('Merges in force:')
  sayTable(
    ['merge', 'model', 'records', 'by', 'at', 'reason'],
    merges.map(({ merge, model, pks, user, decidedAt, reason }) => [
      merge.slice(0, short),
      model,
      pks.join(' '),
      user,
      decidedAt,
      reason,
    ]),
  )
}
