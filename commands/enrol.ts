import { readFileSync } from 'node:fs'
import { text as readAll } from 'node:stream/consumers'
import type { Command } from 'commander'
import { type DeviceSecrets, hasIdentity, readPendingSecrets, writePendingSecrets } from '../shared/crypto/identity.ts'
import { type EnrolCode, readEnrolCode } from '../shared/protocol/enrol-code.ts'
import type { EnrolmentAnswer } from '../shared/protocol/enrolment.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { writeDurably } from '../shared/storage/durable-file.ts'
import { askServer } from '../study/ask-server.ts'
import { becomeDevice } from '../study/become-device.ts'
import { makeDeviceSecrets, makeRequest } from '../study/device-secrets.ts'
import { dataOption } from './options.ts'
import { say } from './print.ts'

interface Options {
  data: string
  server?: string
  request?: string
  answer?: string
  pin?: string
}

const programs = { field: 'daemon', relay: 'relay', server: 'server', central: 'server', issuer: 'server' }

export function addEnrol(waybill: Command): void {
  waybill
    .command('enrol [code]')
    .description('add this laptop to a study, with a one-time code (or by files, where there is no network)')
    .addOption(dataOption())
    .option('--server <https://host:port>', 'where the server is, if not where the code says')
    .option('--request <file>', 'no network: write a request file, to be answered with waybill answer')
    .option('--answer <file>', 'no network: take the answer file')
    .option('--pin <study>', "with --answer: the study's id, as the person who answered read it out")
    .action(enrol)
}

async function enrol(given: string | undefined, options: Options): Promise<void> {
  const { data, request, answer } = options
  if (hasIdentity(data)) throw new WaybillError('DATA_OCCUPIED', `${data} already holds a device`)
  const secrets = await pendingSecrets(data)
  if (request !== undefined) return writeRequest(request, secrets)
  const added =
    answer === undefined
      ? await enrolByCode(data, secrets, readEnrolCode(given ?? (await readAll(process.stdin))), options.server)
      : await becomeDevice(data, secrets, readJson(answer), options.pin ?? '')
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

async function enrolByCode(
  data: string,
  secrets: DeviceSecrets,
  code: EnrolCode,
  server: string | undefined,
): Promise<EnrolmentAnswer> {
  const addresses = server === undefined ? code.addresses : [server.replace(/^https:\/\//, '').replace(/\/$/, '')]
  let last = new WaybillError('BAD_ARGUMENT', 'the code names no address: give --server')
  for (const address of addresses) {
    try {
      return await becomeDevice(data, secrets, await askServer(address, code, secrets), code.study)
    } catch (error) {
      last = asWaybillError(error)
      if (last.code !== 'PEER_UNREACHABLE' && last.code !== 'PIN_MISMATCH') throw last
    }
  }
  throw last
}

async function writeRequest(path: string, secrets: DeviceSecrets): Promise<void> {
  await writeDurably(path, `${JSON.stringify(await makeRequest(secrets, null))}\n`)
  say(`${path} is written. Take it to the server: waybill answer ${path} --role field --name NAME --out ANSWER`)
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new WaybillError(
      'BAD_ARGUMENT',
      `${path} is no answer file: ${cause instanceof Error ? cause.message : cause}`,
    )
  }
}
