import { type Command, Option } from 'commander'
import { ServerConfig } from '../server/config.ts'
import { ports } from '../shared/protocol/paths.ts'
import { addressOption, examples, listOption, logLevelOption, portOption } from './options.ts'
import { addSettings, runProgram } from './run-program.ts'

export function addServer(waybill: Command): void {
  const command = waybill
    .command('server')
    .description('run the community server: takes batches in, opens them, signs receipts, adds devices')
  addSettings(command, 'server')
    .addOption(portOption('--port', `where laptops and relays reach this server (${ports.server})`))
    .addOption(portOption('--page-port', `the status page, on this computer only (${ports.serverPage})`))
    .addOption(portOption('--https-port', `where people and apps reach this server, over HTTPS (${ports.serverHttps})`))
    .addOption(new Option('--https-on <address>', 'listen for them on this address only'))
    .addOption(listOption('--https-names <name>', 'a host name or address by which they ask for it; may be repeated'))
    .addOption(new Option('--app-database <url>', "the app's own database, into which this server writes"))
    .addOption(new Option('--app-database-password-file <file>', 'whose first line is the password of its account'))
    .addOption(
      new Option(
        '--app-inbox <kind>',
        'what is written: waybill_inbox, or IncomingTransaction (transport only)',
      ).choices([...['waybill', 'django-collect-offline']]),
    )
    .addOption(listOption('--announce-on <address>', 'announce on this address only; may be repeated'))
    .addOption(addressOption('--addresses', 'where devices will find this server, if not at its own addresses'))
    .addOption(logLevelOption())
    .action(async (_options, command: Command) => {
      // The help of this command does not wait for the whole program.
      const { startServer } = await import('../server/main.ts')
      await runProgram({ name: 'server', schema: ServerConfig, start: startServer }, command)
    })
  examples(
    command,
    'waybill server --data /srv/waybill',
    'waybill server --data /srv/waybill --addresses waybill.clinic.example:7460',
  )
}
