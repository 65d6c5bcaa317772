import { type Command, Option } from 'commander'
import {
  type AsideEntry,
  type AsideState,
  discardChange,
  listAside,
  retryChange,
  showChange,
} from '../server/quarantine.ts'
import { asOption, atServer, type DecidingOptions, decideAt, reasonOption } from './deciding.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson, sayJsonList, sayTable } from './print.ts'

interface Options {
  data: string
  state?: AsideState
  json?: true
}

const mostShown = 500
const short = 12
const words: Record<AsideState, string> = {
  waiting: 'waits',
  held: 'held',
  quarantined: 'set aside',
  discarded: 'discarded',
}

export function addQuarantine(waybill: Command): void {
  const quarantine = waybill
    .command('quarantine')
    .description('changes that are here and not applied: why, and what to do with them')
  const list = quarantine
    .command('list')
    .description('list them, with why and since when')
    .addOption(dataOption("the server's data directory"))
    .addOption(new Option('--state <state>', 'only these').choices(Object.keys(words)))
    .addOption(jsonOption())
    .action(listAll)
  const show = quarantine
    .command('show <change>')
    .description('show one with its text, named by its id or its digest')
    .addOption(dataOption("the server's data directory"))
    .addOption(jsonOption())
    .action(showOne)
  const retry = deciding(
    quarantine.command('retry <change>'),
    'try one again under the newest study configuration; one that was discarded counts again',
  ).action((change: string, options: DecidingOptions) =>
    decideAt(options, (context, who) => retryChange(context, who, change)),
  )
  const discard = deciding(
    quarantine.command('discard <change>'),
    'decide that one does not count; it stays in the history',
  ).action((change: string, options: DecidingOptions) =>
    decideAt(options, (context, who) => discardChange(context, who, change)),
  )
  examples(list, 'waybill quarantine list --data /srv/waybill --state quarantined')
  examples(show, 'waybill quarantine show 0f3c-1 --data /srv/waybill')
  examples(retry, 'waybill quarantine retry 4be1c0de --data /srv/waybill --reason "the registry was wrong"')
  examples(discard, 'waybill quarantine discard 0f3c-1 --data /srv/waybill --reason "entered twice" --as Naledi')
}

function deciding(command: Command, description: string): Command {
  return command
    .description(description)
    .addOption(dataOption("the server's data directory"))
    .addOption(reasonOption())
    .addOption(asOption())
    .addOption(jsonOption())
}

async function listAll({ data, state, json }: Options): Promise<void> {
  await atServer(data, async (context) => {
    const entries = listAside(context, state)
    if (json) await sayJsonList(entries)
    else await tellAll(entries)
  })
}

async function tellAll(entries: AsyncIterable<AsideEntry>): Promise<void> {
  const rows: AsideEntry[] = []
  for await (const entry of entries) if (rows.push(entry) > mostShown) break
  if (rows.length === 0) return say('Every change that was opened is applied, or is about to be.')
  sayTable(
    ['change', 'is', 'model', 'record', 'from', 'since', 'why'],
    rows
      .slice(0, mostShown)
      .map(({ digest, state, model, pk, producerName, since, code, message, decided }) => [
        ...[digest.slice(0, short), words[state], model, pk, producerName, since],
        [code, message, decided && `(${decided} is decided, and not applied yet)`].filter(Boolean).join(' '),
      ]),
  )
  if (rows.length > mostShown) say('There are more: --json tells them all.')
}

async function showOne(named: string, { data, json }: Options): Promise<void> {
  const found = await atServer(data, (context) => showChange(context, named))
  const { change, digest, batch, state, code, message, decided } = found
  const { producer, chain, seq, ingestedAt } = batch
  if (json)
    return sayJson({
      change,
      digest,
      state,
      code,
      message,
      decided,
      producer,
      chain,
      seq,
      batch: batch.digest,
      since: ingestedAt,
    })
  say(`change ${change.id} of ${change.model} ${change.pk}: ${state}${code ? `, ${code}: ${message}` : ''}`)
  say(`  digest ${digest}`)
  say(
    `  recorded ${change.recordedAt} by ${change.user || 'nobody named'}, taken in ${ingestedAt} as batch ${seq} of chain ${chain.slice(0, 8)}`,
  )
  if (decided) say(`  ${decided} is decided, and not applied yet`)
  sayJson(change, 2)
}
