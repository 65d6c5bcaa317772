import { type Command, Option } from 'commander'
import { RelayConfig } from '../relay/config.ts'
import { dataOption, listOption, portOption } from './options.ts'
import { runProgram } from './run-program.ts'

export function addRelay(waybill: Command): void {
  waybill
    .command('relay')
    .description('run the middleman: finds laptops, pulls what is pending, signs for it, forwards it')
    .addOption(dataOption())
    .addOption(new Option('--config <file>', 'settings in TOML'))
    .addOption(portOption('--port', 'where laptops knock when the network drops multicast'))
    .addOption(portOption('--page-port', "the driver's page, on loopback"))
    .addOption(listOption('--browse-on <address>', 'listen on this address only; may be repeated'))
    .addOption(listOption('--peers <host:port>', 'a laptop to try; may be repeated'))
    .addOption(listOption('--servers <host:port>', 'a server to try; may be repeated'))
    .addOption(new Option('--log-level <level>', 'trace, debug, info, warn, error'))
    .action(async (_options, command: Command) => {
      // Only this command needs the whole program; the others start without waiting for it.
      const { startRelay } = await import('../relay/main.ts')
      await runProgram({ name: 'relay', schema: RelayConfig, start: startRelay }, command)
    })
}
