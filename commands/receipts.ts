import type { Command } from 'commander'
import { type BatchReceipts, batchReceipts } from '../daemon/receipts.ts'
import { openLaptop } from './open-laptop.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { sayAll } from './print.ts'

export function addReceipts(waybill: Command): void {
  const command = waybill
    .command('receipts')
    .description('tell of each batch of this laptop what receipts prove: sealed, custody, delivered, safe')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(receipts)
  examples(command, 'waybill receipts --data ~/waybill', 'waybill receipts --data ~/waybill --json')
  command.addHelpText(
    'after',
    `
sealed     nobody has signed for it yet
custody    whoever is named has signed that it is stored
delivered  the server has opened it and found it whole
safe       and it is in a verified backup of the server`,
  )
}

async function receipts({ data, json }: { data: string; json?: boolean }): Promise<void> {
  const { store, shelf, close } = await openLaptop(data)
  const batches = batchReceipts(store, shelf.document)
  await sayAll(json ? ['[', ...joined(batches), ']'] : inWords(batches))
  close()
}

/** A JSON array, an element a line. */
function* joined(batches: Iterable<BatchReceipts>): Generator<string> {
  let before = ''
  for (const batch of batches) {
    yield `${before}${JSON.stringify(batch)}`
    before = ','
  }
}

function* inWords(batches: Iterable<BatchReceipts>): Generator<string> {
  for (const { chain, seq, changes, state, pruned, holders } of batches) {
    const hands = holders.map(({ name, since }) => `${name} since ${since}`).join(', ')
    const kept = pruned ? 'removed here' : 'kept here'
    yield `${chain.slice(0, 8)}/${seq}  ${changes} changes  ${state}  ${hands || 'in no other hands'}  ${kept}`
  }
}
