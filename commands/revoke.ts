import type { Command } from 'commander'
import { revokeDevice } from '../server/revoke-device.ts'
import { systemClock } from '../shared/service/clock.ts'
import { openServer } from './open-server.ts'
import { dataOption, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'

interface Options {
  data: string
  reason: string
  json?: boolean
}

export function addRevoke(waybill: Command): void {
  waybill
    .command('revoke <device>')
    .description('publish that a lost or stolen device is no longer trusted; what it handed on before still counts')
    .addOption(dataOption("the server's data directory"))
    .requiredOption('--reason <text>', 'why, for those who read the study configuration')
    .addOption(jsonOption())
    .action(revoke)
}

async function revoke(device: string, { data, reason, json }: Options): Promise<void> {
  const opened = await openServer(data)
  try {
    const revocation = await revokeDevice({ ...opened, clock: systemClock }, device, reason)
    if (json) sayJson(revocation)
    else say(`${device} is revoked. Every laptop refuses it from when it takes this study configuration.`)
  } finally {
    opened.close()
  }
}
