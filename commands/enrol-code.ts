import { readFileSync } from 'node:fs'
import { Value } from '@sinclair/typebox/value'
import { type Command, Option } from 'commander'
import { answerRequestFile } from '../server/add-device.ts'
import { createCode, type NewDevice } from '../server/enrol-code.ts'
import { readFact } from '../server/facts.ts'
import { ownAddresses } from '../server/own-addresses.ts'
import { EnrolmentRequest } from '../shared/protocol/enrolment.ts'
import { ports } from '../shared/protocol/paths.ts'
import { systemClock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { writeDurably } from '../shared/storage/durable-file.ts'
import { type OpenedServer, openServer } from './open-server.ts'
import { dataOption, jsonOption, listOption } from './options.ts'
import { say, sayJson } from './print.ts'
import { readDevices } from './read-devices.ts'

interface Options {
  data: string
  role?: NewDevice['role']
  name?: string
  site?: string
  from?: string
  address?: string[]
  json?: boolean
}

const roles = () => new Option('--role <role>', 'what the device will be').choices(['field', 'relay'])

/** `enrol-code` for devices with a network, `answer` for those without. */
export function addEnrolCode(waybill: Command): void {
  waybill
    .command('enrol-code')
    .description('make a one-time code that adds one device; it pins the study and tells where the server is')
    .addOption(dataOption("the server's data directory"))
    .addOption(roles())
    .option('--name <name>', 'the name that people will read, such as lap-01')
    .option('--site <site>', 'the site it works for')
    .option('--from <file>', 'many at once: CSV with the columns role, name, site')
    .addOption(listOption('--address <host:port>', 'where the server is; its own addresses unless told'))
    .addOption(jsonOption())
    .action(makeCodes)
  waybill
    .command('answer <request>')
    .description('answer the request file of a device that has no network; whoever brings it vouches for it')
    .addOption(dataOption("the server's data directory"))
    .addOption(roles().makeOptionMandatory())
    .requiredOption('--name <name>', 'the name that people will read')
    .option('--site <site>', 'the site it works for')
    .requiredOption('--out <file>', 'the answer file to write')
    .action(answer)
}

async function makeCodes(options: Options): Promise<void> {
  const { data, from, role, name, site = null, json } = options
  if (from === undefined && (role === undefined || name === undefined))
    throw new WaybillError('BAD_ARGUMENT', 'give --role and --name, or --from')
  const devices =
    from === undefined ? [{ role, name, site } as NewDevice] : readDevices(readFileSync(from, 'utf8'), from)
  const server = await openServer(data)
  const addresses = options.address ?? knownAddresses(server)
  const { store, shelf, close } = server
  const codes = store.$client
    .transaction(() => devices.map((device) => createCode(store, shelf.document, device, addresses, systemClock)))
    .immediate()
  close()
  for (const [index, code] of codes.entries()) {
    if (json) sayJson({ ...devices[index], code })
    else say(from === undefined ? code : `${devices[index]?.name}\t${code}`)
  }
}

async function answer(
  path: string,
  options: Required<Pick<Options, 'data' | 'role' | 'name'>> & { site?: string; out: string },
) {
  const request = readRequest(path)
  const { data, role, name, site = null, out } = options
  const server = await openServer(data)
  const context = { ...server, clock: systemClock, addresses: knownAddresses(server) }
  const made = await answerRequestFile(context, request, { role, name, site })
  server.close()
  await writeDurably(out, `${JSON.stringify(made)}\n`)
  say(`${out} is written. On the device: waybill enrol --answer ${out} --pin ${made.study}`)
}

/** Where the program last listened; before it ever ran, its usual port on this machine's addresses. */
function knownAddresses({ store }: OpenedServer): string[] {
  const known = readFact(store, 'addresses')
  return known === undefined ? ownAddresses(ports.server, []) : JSON.parse(known)
}

function readRequest(path: string): EnrolmentRequest {
  let request: unknown
  try {
    request = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new WaybillError('BAD_ARGUMENT', `${path}: ${cause instanceof Error ? cause.message : cause}`)
  }
  if (!Value.Check(EnrolmentRequest, request)) throw new WaybillError('BAD_ARGUMENT', `${path} is no request file`)
  return request
}
