import type { Command } from 'commander'
import { atTerminal } from '../server/actor.ts'
import { revokeDevice } from '../server/revoke-device.ts'
import { systemClock } from '../shared/service/clock.ts'
import { openServer } from './open-server.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'

interface Options {
  data: string
  reason: string
  json?: boolean
}

export function addRevoke(waybill: Command): void {
  const command = waybill
    .command('revoke')
    .argument('<device>', 'its name, or its id as waybill status --json tells it')
    .description('publish that a lost or stolen device is no longer trusted; what it handed on before still counts')
    .addOption(dataOption("the server's data directory"))
    .requiredOption('--reason <text>', 'why, for those who read the study configuration')
    .addOption(jsonOption())
    .action(revoke)
  examples(command, 'waybill revoke lap-03 --data /srv/waybill --reason "stolen in Molepolole"')
}

async function revoke(device: string, { data, reason, json }: Options): Promise<void> {
  const opened = await openServer(data)
  try {
    const revocation = await revokeDevice({ ...opened, clock: systemClock }, atTerminal(), device, reason)
    if (json) sayJson(revocation)
    else say(`${device} is revoked. Every laptop refuses it from when it takes this study configuration.`)
  } finally {
    opened.close()
  }
}
