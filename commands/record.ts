import type { Command } from 'commander'
import { type Recorded, recordChanges } from '../daemon/outbox.ts'
import { splitInput } from '../daemon/split-input.ts'
import { systemClock } from '../shared/service/clock.ts'
import { errorCodes } from '../shared/service/errors.ts'
import { openLaptop } from './open-laptop.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'

const mostShown = 20

export function addRecord(waybill: Command): void {
  const command = waybill
    .command('record')
    .description("take changes from standard input: NDJSON, or what Django's dumpdata writes")
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(record)
  examples(
    command,
    'waybill record --data ~/waybill < changes.ndjson',
    'python manage.py dumpdata clinic | waybill record --data ~/waybill --json',
  )
  command.addHelpText(
    'after',
    `
A change is one line of JSON:
  {"id": "0f3c-1", "model": "clinic.visit", "action": "insert", "pk": "77",
   "fields": {"weight": 61.5}, "user": "rosa"}
id is the app's own, never used twice; action is insert, update or delete. What
is counted as accepted or known is on disk. A refused line is told with its
number, stops no other, and makes the command end with 1.`,
  )
}

/** What is counted is on disk. Works beside the running program: both write to one database. */
async function record({ data, json }: { data: string; json?: boolean }): Promise<void> {
  const { store, shelf, identity, close } = await openLaptop(data)
  const context = { store, study: shelf.document, digestKey: identity.secrets.digestKey, clock: systemClock }
  const recorded = await recordChanges(context, splitInput(process.stdin), progress)
  close()
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  if (json) sayJson(recorded)
  else tell(recorded)
  if (recorded.refused.length > 0) process.exitCode = 1
}

function progress({ accepted, known }: Recorded): void {
  if (process.stderr.isTTY) process.stderr.write(`\rsafe on this laptop: ${accepted} new, ${known} known`)
}

function tell({ accepted, known, refused }: Recorded): void {
  say(`${accepted} accepted, ${known} known, ${refused.length} refused`)
  for (const { line, code, message } of refused.slice(0, mostShown))
    say(`line ${line}: ${code}: ${message}. Hint: ${errorCodes[code].hint}`)
  if (refused.length > mostShown) say(`and ${refused.length - mostShown} more: --json tells them all`)
}
