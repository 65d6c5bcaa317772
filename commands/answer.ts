import { Value } from '@sinclair/typebox/value'
import type { Command } from 'commander'
import { answerRequestFile } from '../server/add-device.ts'
import type { NewDevice } from '../server/enrol-code.ts'
import { EnrolmentRequest } from '../shared/protocol/enrolment.ts'
import { systemClock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { writeDurably } from '../shared/storage/durable-file.ts'
import { readGivenJson, withGiven } from './given-path.ts'
import { knownAddresses } from './known-addresses.ts'
import { openServer } from './open-server.ts'
import { dataOption, examples, nameOption, roleOption } from './options.ts'
import { say } from './print.ts'

interface Options {
  data: string
  role: NewDevice['role']
  name: string
  site?: string
  out: string
}

export function addAnswer(waybill: Command): void {
  const command = waybill
    .command('answer')
    .argument('<request>', 'the file that waybill enrol --request wrote on the device')
    .description('answer the request file of a device that has no network; whoever brings it vouches for it')
    .addOption(dataOption("the server's data directory"))
    .addOption(roleOption().makeOptionMandatory())
    .addOption(nameOption().makeOptionMandatory())
    .option('--site <site>', 'the id of the site that it works for')
    .requiredOption('--out <file>', 'the answer file to write')
    .action(answer)
  examples(
    command,
    'waybill answer /media/usb/request.json --data /srv/waybill --role field --name lap-07 --out /media/usb/answer.json',
  )
}

async function answer(path: string, { data, role, name, site, out }: Options): Promise<void> {
  const request = readGivenJson(path, 'a request file')
  if (!Value.Check(EnrolmentRequest, request)) throw new WaybillError('BAD_ARGUMENT', `${path} is not a request file`)
  const server = await openServer(data)
  try {
    const context = { ...server, clock: systemClock, addresses: knownAddresses(server) }
    const made = await answerRequestFile(context, request, { role, name, site: site ?? null })
    await withGiven(out, () => writeDurably(out, `${JSON.stringify(made)}\n`))
    say(`${out} is written. On the device: waybill enrol --answer ${out} --pin ${made.study}`)
  } finally {
    server.close()
  }
}
