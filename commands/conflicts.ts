import type { Command } from 'commander'
import { parseStrictly } from '../daemon/parse-strictly.ts'
import { type Conflict, type ConflictEntry, listConflicts, resolveConflict, showConflict } from '../server/conflicts.ts'
import type { FeedContext } from '../server/feed.ts'
import { asOption, atServer, type DecidingOptions, decideAt, reasonOption } from './deciding.ts'
import { readGiven } from './given-path.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson, sayJsonList, sayTable } from './print.ts'

interface Options {
  data: string
  json?: true
}

interface ResolveOptions extends DecidingOptions {
  head?: string
  fields?: string
}

const page = 500
const short = 12
const longestValue = 60

export function addConflicts(waybill: Command): void {
  const conflicts = waybill
    .command('conflicts')
    .description('records of which two versions stand side by side, and what is right')
  const list = conflicts
    .command('list')
    .description('list them')
    .addOption(dataOption("the server's data directory"))
    .addOption(jsonOption())
    .action(listAll)
  const show = conflicts
    .command('show <model> <pk>')
    .description('show what the versions of a record say, field by field where they differ')
    .addOption(dataOption("the server's data directory"))
    .addOption(jsonOption())
    .action(showOne)
  const resolve = conflicts
    .command('resolve <model> <pk>')
    .description('decide what the record is; a version that comes later opens the conflict again')
    .addOption(dataOption("the server's data directory"))
    .option('--head <digest>', 'this version is right: its digest, or the first digits of it')
    .option('--fields <file>', 'these fields are right: a JSON object with all fields of the record')
    .addOption(reasonOption())
    .addOption(asOption())
    .addOption(jsonOption())
    .action(resolveOne)
  examples(list, 'waybill conflicts list --data /srv/waybill')
  examples(show, 'waybill conflicts show clinic.visit 77 --data /srv/waybill')
  examples(
    resolve,
    'waybill conflicts resolve clinic.visit 77 --head 4be1c0 --data /srv/waybill --reason "seen on paper"',
    'waybill conflicts resolve clinic.visit 77 --fields 77.json --data /srv/waybill --reason "both were half right"',
  )
}

async function listAll({ data, json }: Options): Promise<void> {
  await atServer(data, async (context) => {
    const entries = all(context)
    if (json) return sayJsonList(entries)
    const rows = [...entries]
    if (rows.length === 0) return say('No record is in conflict.')
    sayTable(
      ['model', 'record', 'versions', 'since'],
      rows.map(({ model, pk, heads, since }) => [model, pk, heads, since]),
    )
  })
}

function* all(context: FeedContext): Generator<ConflictEntry> {
  for (let entries = listConflicts(context, 0, page); entries.length > 0; ) {
    yield* entries
    entries = listConflicts(context, entries.at(-1)?.ordinal, page)
  }
}

async function showOne(model: string, pk: string, { data, json }: Options): Promise<void> {
  await atServer(data, async (context) => {
    const conflict = await showConflict(context, model, pk)
    const hidden = context.shelf.document.models[model]?.hidden ?? []
    if (json) sayJson(conflict)
    else tell(conflict, hidden, (device) => context.shelf.document.devices[device]?.name ?? device.slice(0, short))
  })
}

/** The version that is shown meanwhile comes first. */
function tell(
  { model, pk, pks, heads, differs }: Conflict,
  hidden: string[],
  nameOf: (device: string) => string,
): void {
  say(
    `${model} ${pk}${pks.length > 1 ? ` (with ${pks.slice(1).join(', ')})` : ''}: ${heads.length} versions, the first is shown meanwhile`,
  )
  for (const { digest, change, producer, ingestedAt } of heads)
    say(
      `  ${digest.slice(0, short)}  ${change.action} by ${change.user || 'nobody named'} on ${nameOf(producer)}, recorded ${change.recordedAt}, taken in ${ingestedAt}`,
    )
  sayTable(
    ['field', ...heads.map(({ digest }) => digest.slice(0, short))],
    differs.map((field) => [
      field,
      ...heads.map(({ change }) => (hidden.includes(field) ? '(hidden)' : cut(change.fields[field]))),
    ]),
  )
}

function cut(value: unknown): string {
  const text = value === undefined ? '-' : JSON.stringify(value)
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text
}

async function resolveOne(model: string, pk: string, options: ResolveOptions): Promise<void> {
  const { head, fields: file } = options
  const fields = file === undefined ? undefined : parseStrictly(readGiven(file))
  await decideAt(options, (context, who) => resolveConflict(context, who, { model, pk, head, fields }))
}
