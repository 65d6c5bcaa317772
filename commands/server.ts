import { type Command, Option } from 'commander'
import { ServerConfig } from '../server/config.ts'
import { dataOption, listOption, portOption } from './options.ts'
import { runProgram } from './run-program.ts'

export function addServer(waybill: Command): void {
  waybill
    .command('server')
    .description('run the community server: takes batches in, opens them, signs receipts, adds devices')
    .addOption(dataOption())
    .addOption(new Option('--config <file>', 'settings in TOML'))
    .addOption(portOption('--port', 'where laptops and relays reach this server'))
    .addOption(portOption('--page-port', 'the status page, on loopback'))
    .addOption(listOption('--announce-on <address>', 'announce on this address only; may be repeated'))
    .addOption(listOption('--addresses <host:port>', 'where devices will find this server; may be repeated'))
    .addOption(new Option('--log-level <level>', 'trace, debug, info, warn, error'))
    .action(async (_options, command: Command) => {
      // Only this command needs the whole program; the others start without waiting for it.
      const { startServer } = await import('../server/main.ts')
      await runProgram({ name: 'server', schema: ServerConfig, start: startServer }, command)
    })
}
