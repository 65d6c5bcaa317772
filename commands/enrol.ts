import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import { type DeviceSecrets, hasIdentity, readPendingSecrets, writePendingSecrets } from '../shared/crypto/identity.ts'
import { type EnrolCode, readEnrolCode } from '../shared/protocol/enrol-code.ts'
import type { EnrolmentAnswer } from '../shared/protocol/enrolment.ts'
import { ports } from '../shared/protocol/paths.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { writeDurably } from '../shared/storage/durable-file.ts'
import { askServer } from '../study/ask-server.ts'
import { becomeDevice } from '../study/become-device.ts'
import { makeDeviceSecrets, makeRequest } from '../study/device-secrets.ts'
import { readGivenJson, withGiven } from './given-path.ts'
import { dataOption, examples } from './options.ts'
import { say } from './print.ts'
import { programs } from './programs.ts'

interface Options {
  data: string
  server?: string
  request?: string
  answer?: string
  pin?: string
}

export function addEnrol(waybill: Command): void {
  const command = waybill
    .command('enrol')
    .argument('[code]', 'the one-time code; without it, a line of standard input')
    .description('add this laptop to a study, with a one-time code (or by files, where there is no network)')
    .addOption(dataOption())
    .option('--server <https://host:port>', 'where the server is, if not where the code says')
    .addOption(
      new Option('--request <file>', 'no network: write a request file, for waybill answer').conflicts([
        ...['server', 'answer', 'pin'],
      ]),
    )
    .addOption(new Option('--answer <file>', 'no network: take the answer file').conflicts('server'))
    .option('--pin <study>', "with --answer: the study's id, as the person who answered reads it out")
    .action(enrol)
  examples(
    command,
    'waybill enrol --data ~/waybill waybill1.eyJzdHVkeSI6...',
    'waybill enrol --data ~/waybill --request /media/usb/request.json',
    'waybill enrol --data ~/waybill --answer /media/usb/answer.json --pin 5e8ac2...',
  )
  command.addHelpText('after', '\nThe keys are made here and never leave this device. Asking again does no harm.')
}

async function enrol(given: string | undefined, options: Options): Promise<void> {
  const { data, request, answer, server, pin } = options
  if (given !== undefined && (request ?? answer) !== undefined)
    throw new WaybillError('BAD_ARGUMENT', 'a code goes without --request and --answer')
  if ((answer === undefined) !== (pin === undefined))
    throw new WaybillError(
      'BAD_ARGUMENT',
      '--answer and --pin go together: the pin is what makes the answer believable',
    )
  if (hasIdentity(data)) throw new WaybillError('DATA_OCCUPIED', `${data} already holds a device`)
  if (request !== undefined) return writeRequest(request, await pendingSecrets(data))
  const added =
    answer === undefined
      ? await enrolByCode(data, readEnrolCode(given ?? (await firstLine())), server)
      : await enrolByAnswer(data, readGivenJson(answer, 'an answer file'), String(pin).trim().toLowerCase())
  say(`${added.name} is added to the study. Start it: waybill ${programs[added.role]} --data ${data}`)
}

/** The keys are on disk before anyone hears of them: after a lost answer the same ones ask again. */
async function pendingSecrets(data: string): Promise<DeviceSecrets> {
  const pending = readPendingSecrets(data)
  if (pending) return pending
  const made = await makeDeviceSecrets(true)
  await writePendingSecrets(data, made)
  return made
}

async function enrolByCode(data: string, code: EnrolCode, server: string | undefined): Promise<EnrolmentAnswer> {
  const secrets = await pendingSecrets(data)
  const addresses = server === undefined ? code.addresses : [addressOf(server)]
  let last = new WaybillError('BAD_ARGUMENT', 'the code names no address: give --server')
  for (const address of addresses) {
    try {
      return await becomeDevice(data, secrets, await askServer(address, code, secrets), code.study)
    } catch (error) {
      last = asWaybillError(error)
      if (last.code !== 'PEER_UNREACHABLE' && last.code !== 'PIN_MISMATCH') throw last
    }
  }
  throw addresses.length > 1 ? new WaybillError(last.code, `${addresses.join(', ')}: ${last.message}`) : last
}

/** With a request that was never made here there are no keys that an answer could be for. */
async function enrolByAnswer(data: string, answer: unknown, pin: string): Promise<EnrolmentAnswer> {
  const secrets = readPendingSecrets(data)
  if (!secrets) throw new WaybillError('DATA_MISSING', `${data} has made no request: begin with --request`)
  return becomeDevice(data, secrets, answer, pin)
}

async function writeRequest(path: string, secrets: DeviceSecrets): Promise<void> {
  const request = JSON.stringify(await makeRequest(secrets, null))
  await withGiven(path, () => writeDurably(path, `${request}\n`))
  say(`${path} is written. Take it to the server: waybill answer ${path} --role field --name NAME --out ANSWER`)
}

/** HOST:PORT, as it is typed or as a browser shows it. */
function addressOf(server: string): string {
  const address = server
    .trim()
    .replace(/^https:\/\//, '')
    .replace(/\/$/, '')
  return /:\d+$/.test(address) ? address : `${address}:${ports.server}`
}

async function firstLine(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Paste the code and press Enter: ')
  for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== '') return line
  throw new WaybillError('BAD_ARGUMENT', 'no code was given, neither as an argument nor on standard input')
}
