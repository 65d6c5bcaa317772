import { type Command, Option } from 'commander'
import { type DecidedOnBatch, type Meant, refuseBatch, releaseBatch } from '../server/decide-batches.ts'
import { type BatchContent, type ShownBatch, showBatch } from '../server/show-batch.ts'
import { listWaiting, type WaitingBatch } from '../server/waiting-batches.ts'
import { asOption, atServer, type DecidingOptions, decideAt, reasonOption } from './deciding.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson, sayJsonList, sayTable } from './print.ts'

interface Options {
  data: string
  state?: 'held' | 'quarantined' | 'refused'
  json?: true
}

interface ReleaseOptions extends DecidingOptions {
  through?: string
}

const mostShown = 500
const short = 12
const words: Record<WaitingBatch['state'], string> = {
  ingested: 'is about to be opened',
  opened: 'opened',
  held: 'waits for a person',
  quarantined: 'set aside',
  refused: 'refused',
}

export function addBatches(waybill: Command): void {
  const batches = waybill
    .command('batches')
    .description('batches that are here and not opened: why, and whether they are to be')
  const list = batches
    .command('list')
    .description('list those that wait for a person or are set aside')
    .addOption(dataOption("the server's data directory"))
    .addOption(new Option('--state <state>', 'only these').choices(['held', 'quarantined', 'refused']))
    .addOption(jsonOption())
    .action(listAll)
  const show = batches
    .command('show <batch>')
    .description('show one, named by the first digits of its digest: its receipts, and what it and each branch hold')
    .addOption(dataOption("the server's data directory"))
    .addOption(jsonOption())
    .action(showOne)
  const release = batches
    .command('release <batch>')
    .description('decide that one is opened and applied, with what follows on its branch; this is not taken back')
    .addOption(dataOption("the server's data directory"))
    .option('--through <batch>', 'the last one that is released with it')
    .addOption(reasonOption())
    .addOption(asOption())
    .addOption(jsonOption())
    .action(releaseOne)
  const refuse = batches
    .command('refuse <batch>')
    .description('decide that one is not opened, nor what follows on its branch; it stays, and can be released later')
    .addOption(dataOption("the server's data directory"))
    .addOption(reasonOption())
    .addOption(asOption())
    .addOption(jsonOption())
    .action((named: string, options: DecidingOptions) =>
      decideAt(options, async (context, who) => after(options, 'Refused', await refuseBatch(context, who, named))),
    )
  examples(list, 'waybill batches list --data /srv/waybill')
  examples(show, 'waybill batches show 4be1c0de --data /srv/waybill')
  examples(
    release,
    'waybill batches release 4be1c0de --data /srv/waybill --reason "both disks were seen"',
    'waybill batches release 4be1c0de --through 93ab01ff --data /srv/waybill --reason "entered before it was stolen"',
  )
  examples(refuse, 'waybill batches refuse 4be1c0de --data /srv/waybill --reason "made by whoever stole it"')
}

async function listAll({ data, state, json }: Options): Promise<void> {
  await atServer(data, async (context) => {
    const found = listWaiting(context, state)
    if (json) await sayJsonList(found)
    else await tellAll(found, state)
  })
}

async function tellAll(found: AsyncIterable<WaitingBatch>, state: Options['state']): Promise<void> {
  const rows: WaitingBatch[] = []
  for await (const batch of found) if (rows.push(batch) > mostShown) break
  if (rows.length === 0) return say(state === 'refused' ? 'No batch is refused.' : 'No batch waits for a person.')
  sayTable(
    ['batch', 'is', 'laptop', 'chain', 'branch', 'number', 'changes', 'brought by', 'since', 'why'],
    rows
      .slice(0, mostShown)
      .map((batch) => [
        ...[batch.digest.slice(0, short), words[batch.state], batch.producerName, batch.chain.slice(0, 8)],
        ...[batch.branch?.slice(0, 8) ?? '-', batch.seq, batch.changes, batch.courier ?? 'itself', batch.since],
        whyOf(batch),
      ]),
  )
  if (rows.length > mostShown) say('There are more: --json tells them all.')
}

function whyOf({ code, message, decided, refused }: WaitingBatch): string {
  return [
    ...[code, message],
    refused && `(refused by ${refused.user}: ${refused.reason})`,
    decided && `(${decided} is decided, and not applied yet)`,
  ]
    .filter(Boolean)
    .join(' ')
}

async function showOne(named: string, { data, json }: Options): Promise<void> {
  await atServer(data, async (context) => {
    const shown = await showBatch(context, named)
    if (json) sayJson(shown)
    else tellOne(shown)
  })
}

function tellOne({ batch, manifest, path, follow, decisions, content, unreadable, branches }: ShownBatch): void {
  const { seq, producerName, chain, state } = batch
  say(`batch ${seq} of ${producerName}, chain ${chain.slice(0, 8)}: ${words[state]}. ${whyOf(batch)}`)
  say(`  digest ${batch.digest}, follows ${manifest.previous ?? 'nothing'}`)
  say(
    `  sealed ${manifest.sealedAt}, ${manifest.changes} changes, ${batch.bytes} bytes, study version ${manifest.studyVersion}`,
  )
  for (const { fromName, byName, at, hop } of path) say(`  hop ${hop}: ${fromName} to ${byName}, ${at}`)
  for (const { decision, user, decidedAt, reason, batch: of } of decisions)
    say(`  ${decision} of ${of.slice(0, short)} by ${user}, ${decidedAt}: ${reason}`)
  if (follow.length > 0) say(`  behind it wait ${follow.map(({ seq }) => seq).join(', ')}`)
  say(unreadable ? `  cannot be read: ${unreadable.code}: ${unreadable.message}` : `  holds ${modelsOf(content)}`)
  if (branches.length < 2) return
  say('The branches of its chain:')
  sayTable(
    ['branch', 'numbers', 'changes', 'opened', 'wait', 'refused', 'records of others too', 'holds'],
    branches.map((one) => [
      ...[one.branch.slice(0, short), `${one.first}-${one.last}`, one.changes, one.opened, one.waiting, one.refused],
      ...[one.alsoElsewhere, modelsOf(one)],
    ]),
  )
}

function modelsOf({ models, unread }: BatchContent): string {
  const counts = models.map((one) => `${one.model} ${one.insert}+${one.update}+${one.delete}`)
  if (unread > 0) counts.push(`${unread} batches not read`)
  return counts.length === 0 ? 'no change' : `${counts.join(', ')} (insert+update+delete)`
}

async function releaseOne(named: string, options: ReleaseOptions): Promise<void> {
  const before = (meant: Meant) => options.json || say(`To be released: ${extentOf(meant)}`)
  await decideAt(options, async (context, who) =>
    after(options, 'Released', await releaseBatch(context, who, named, options.through, before)),
  )
}

function after({ json }: DecidingOptions, done: string, decided: DecidedOnBatch): string {
  if (!json) say(`${done}: ${extentOf(decided)}`)
  return decided.decision
}

function extentOf({ batch, follow, through }: Meant): string {
  const changes = [batch, ...follow].reduce((sum, one) => sum + one.changes, 0)
  const more = follow.length > 0 ? ` and ${follow.length} behind it, through ${follow.at(-1)?.seq}` : ''
  const later = through === null ? ', and what comes later on this branch' : ''
  return `batch ${batch.seq}${more} (${changes} changes)${later}.`
}
