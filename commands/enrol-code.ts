import { type Command, Option } from 'commander'
import { createCode, type NewDevice } from '../server/enrol-code.ts'
import { systemClock } from '../shared/service/clock.ts'
import { asWaybillError, WaybillError } from '../shared/service/errors.ts'
import { readGiven } from './given-path.ts'
import { knownAddresses } from './known-addresses.ts'
import { type OpenedServer, openServer } from './open-server.ts'
import { addressOption, dataOption, examples, jsonOption, nameOption, roleOption } from './options.ts'
import { say, sayJson } from './print.ts'
import { type ListedDevice, readDevices } from './read-devices.ts'

interface Options {
  data: string
  role?: NewDevice['role']
  name?: string
  site?: string
  from?: string
  address?: string[]
  json?: boolean
}

export function addEnrolCode(waybill: Command): void {
  const command = waybill
    .command('enrol-code')
    .description('make a one-time code that adds one device; it pins the study and tells where the server is')
    .addOption(dataOption("the server's data directory"))
    .addOption(roleOption())
    .addOption(nameOption())
    .option('--site <site>', 'the id of the site that it works for')
    .addOption(
      new Option('--from <file>', 'many at once: CSV, its first line role,name,site').conflicts([
        'role',
        'name',
        'site',
      ]),
    )
    .addOption(addressOption('--address', 'where the server is, if not at its own addresses'))
    .addOption(jsonOption())
    .action(makeCodes)
  examples(
    command,
    'waybill enrol-code --data /srv/waybill --role field --name lap-01 --site mochudi',
    'waybill enrol-code --data /srv/waybill --from laptops.csv > codes.txt',
  )
  command.addHelpText('after', '\nA code is good for one device and for a week. Who has it can become that device.')
}

/** All of them or none: one bad line of a list makes no code. */
async function makeCodes(options: Options): Promise<void> {
  const devices = devicesOf(options)
  const server = await openServer(options.data)
  const addresses = options.address ?? knownAddresses(server)
  const codes = server.store.$client
    .transaction(() => devices.map((device) => codeFor(server, device, addresses)))
    .immediate()
  server.close()
  for (const [index, code] of codes.entries()) {
    const { role, name, site } = devices[index] as ListedDevice
    if (options.json) sayJson({ role, name, site, code })
    else say(options.from === undefined ? code : `${name}\t${code}`)
  }
}

function devicesOf({ from, role, name, site }: Options): ListedDevice[] {
  if (from !== undefined) return readDevices(readGiven(from), from)
  if (role === undefined || name === undefined)
    throw new WaybillError('BAD_ARGUMENT', 'give --role and --name, or --from')
  return [{ role, name, site: site ?? null, line: '' }]
}

function codeFor({ store, shelf }: OpenedServer, { line, ...device }: ListedDevice, addresses: string[]): string {
  try {
    return createCode(store, shelf.document, device, addresses, systemClock)
  } catch (cause) {
    const { code, message } = asWaybillError(cause)
    throw line === '' ? cause : new WaybillError(code, `${line}: ${message}`, { cause })
  }
}
