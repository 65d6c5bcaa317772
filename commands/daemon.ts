import { type Command, Option } from 'commander'
import { DaemonConfig } from '../daemon/config.ts'
import { dataOption, listOption, portOption } from './options.ts'
import { runProgram } from './run-program.ts'

export function addDaemon(waybill: Command): void {
  waybill
    .command('daemon')
    .description('run the field laptop: keeps what the app records, announces itself, hands it on')
    .addOption(dataOption())
    .addOption(new Option('--config <file>', 'settings in TOML'))
    .addOption(portOption('--port', 'where relays and servers reach this laptop'))
    .addOption(portOption('--page-port', "the assistant's page, on loopback"))
    .addOption(new Option('--socket <path>', 'unix socket of the local API'))
    .addOption(listOption('--announce-on <address>', 'announce on this address only; may be repeated'))
    .addOption(listOption('--servers <host:port>', 'a server to push to when it is in reach; may be repeated'))
    .addOption(new Option('--no-push', 'leave the way to the server to the driver'))
    .addOption(new Option('--log-level <level>', 'trace, debug, info, warn, error'))
    .action(async (_options, command: Command) => {
      // Only this command needs the whole program; the others start without waiting for it.
      const { startDaemon } = await import('../daemon/main.ts')
      await runProgram({ name: 'daemon', schema: DaemonConfig, start: startDaemon }, command)
    })
}
