import type { Command } from 'commander'
import { RelayConfig } from '../relay/config.ts'
import { ports } from '../shared/protocol/paths.ts'
import { addressOption, examples, listOption, logLevelOption, portOption } from './options.ts'
import { addSettings, runProgram } from './run-program.ts'

export function addRelay(waybill: Command): void {
  const command = waybill
    .command('relay')
    .description('run the middleman: finds laptops, pulls what is pending, signs for it, forwards it')
  addSettings(command, 'relay')
    .addOption(portOption('--port', `where laptops knock when the network drops multicast (${ports.relay})`))
    .addOption(portOption('--page-port', `the driver's page, on this laptop only (${ports.relayPage})`))
    .addOption(listOption('--browse-on <address>', 'listen on this address only; may be repeated'))
    .addOption(addressOption('--peers', 'a laptop to try, besides those heard'))
    .addOption(addressOption('--servers', 'a server to try, besides the known one and those heard'))
    .addOption(logLevelOption())
    .action(async (_options, command: Command) => {
      // The help of this command does not wait for the whole program.
      const { startRelay } = await import('../relay/main.ts')
      await runProgram({ name: 'relay', schema: RelayConfig, start: startRelay }, command)
    })
  examples(command, 'waybill relay --data ~/waybill', 'waybill relay --data ~/waybill --peers 192.168.43.17:7440')
}
