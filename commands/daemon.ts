import { type Command, Option } from 'commander'
import { DaemonConfig } from '../daemon/config.ts'
import { ports } from '../shared/protocol/paths.ts'
import { addressOption, examples, listOption, logLevelOption, portOption } from './options.ts'
import { addSettings, runProgram } from './run-program.ts'

export function addDaemon(waybill: Command): void {
  const command = waybill
    .command('daemon')
    .description('run the field laptop: keeps what the app records, announces itself, hands it on')
  addSettings(command, 'daemon')
    .addOption(portOption('--port', `where relays and servers reach this laptop (${ports.field})`))
    .addOption(portOption('--page-port', `the assistant's page, on this laptop only (${ports.fieldPage})`))
    .addOption(new Option('--socket <path>', 'unix socket of the local API (DATA/daemon.sock)'))
    .addOption(listOption('--announce-on <address>', 'announce on this address only; may be repeated'))
    .addOption(addressOption('--servers', 'a server to push to when it is in reach'))
    .addOption(new Option('--no-push', 'leave the way to the server to the driver'))
    .addOption(
      new Option(
        '--app-database <url>',
        "the app's database, whose table is read: postgresql://..., mariadb://..., sqlite:///path",
      ),
    )
    .addOption(new Option('--app-database-password-file <file>', 'where its password is, on the first line'))
    .addOption(
      new Option(
        '--app-outbox <table>',
        'which table: Waybill’s own, or that of django-collect-offline as it is',
      ).choices([...['waybill', 'django-collect-offline']]),
    )
    .addOption(new Option('--no-recording', "pause reading the app's table; nothing is dropped"))
    .addOption(logLevelOption())
    .action(async (_options, command: Command) => {
      // The help of this command does not wait for the whole program.
      const { startDaemon } = await import('../daemon/main.ts')
      await runProgram({ name: 'daemon', schema: DaemonConfig, start: startDaemon }, command)
    })
  examples(
    command,
    'waybill daemon --data ~/waybill',
    'waybill daemon --data ~/waybill --app-database postgresql://study@127.0.0.1/study',
  )
}
