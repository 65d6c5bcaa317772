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
  const merge = deciding(
    // `merge list --data X` is the list's --data.
    waybill.command('merge').argument('<model>').argument('<pk...>').enablePositionalOptions(),
    'decide that records of a model are one; or list such records, or part them again',
  ).action((model: string, pks: string[], options: DecidingOptions) =>
    decideAt(options, (context, who) => mergeRecords(context, who, model, pks)),
  )
  const list = merge
    .command('list')
    .description('list natural keys that several records bear, and the merges that are in force')
    .addOption(dataOption("the server's data directory"))
    .addOption(jsonOption())
    .action(listAll)
  const retract = deciding(merge.command('retract <merge>'), 'decide that a merge does not hold any more').action(
    (named: string, options: DecidingOptions) => decideAt(options, (context, who) => retractMerge(context, who, named)),
  )
  examples(merge, 'waybill merge clinic.subject 17 93 --data /srv/waybill --reason "enrolled twice"')
  examples(list, 'waybill merge list --data /srv/waybill')
  examples(retract, 'waybill merge retract 5d0e81f2 --data /srv/waybill --reason "twins"')
}

function deciding(command: Command, description: string): Command {
  return command
    .description(description)
    .addOption(dataOption("the server's data directory"))
    .addOption(reasonOption())
    .addOption(asOption())
    .addOption(jsonOption())
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
