import type { Command } from 'commander'
import type { DaemonStatus } from '../daemon/status.ts'
import type { RelayStatus } from '../relay/status.ts'
import type { ServerStatus } from '../server/status.ts'
import { readIdentity } from '../shared/crypto/identity.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'
import { programs } from './programs.ts'

interface Options {
  data: string
  json?: boolean
}

export function addStatus(waybill: Command): void {
  const command = waybill
    .command('status')
    .description('tell what this device is, what it holds in each state, whom it has met, and what went wrong last')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(status)
  examples(command, 'waybill status --data ~/waybill', 'waybill status --data ~/waybill --json')
}

/** Of whatever device the directory holds, whether its program runs or not. Only what that one needs is loaded. */
async function status({ data, json }: Options): Promise<void> {
  const program = programs[readIdentity(data).role]
  if (program === 'daemon') {
    const { readLaptop, tellLaptop } = await import('./laptop-status.ts')
    return show(await readLaptop(data), tellLaptop, json)
  }
  if (program === 'relay') {
    const { readRelay, tellRelay } = await import('./relay-status.ts')
    return show(await readRelay(data), tellRelay, json)
  }
  const { readServer, tellServer } = await import('./server-status.ts')
  return show(await readServer(data), tellServer, json)
}

function show<S extends DaemonStatus | RelayStatus | ServerStatus>(
  status: S,
  tell: (status: S) => void,
  json = false,
): void {
  if (json) sayJson(status)
  else inWords(status, tell)
}

function inWords<S extends DaemonStatus | RelayStatus | ServerStatus>(status: S, tell: (status: S) => void): void {
  const { name, role, device, studyName, studyVersion, running, ports, lastError } = status
  const listens = Object.entries(ports).map(([what, port]) => `${what} ${port}`)
  say(`${name} (${role} ${device.slice(0, 8)}) of study ${studyName}, configuration ${studyVersion}`)
  say(running ? `running: ${listens.join(', ')}` : 'not running')
  tell(status)
  if (lastError) say(`last error: ${lastError.code}: ${lastError.message} (${lastError.at}). Hint: ${lastError.hint}`)
}
