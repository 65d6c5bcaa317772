import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import { readIdentity } from '../shared/crypto/identity.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { readRuntime } from '../shared/service/runtime.ts'
import { issueLaunch } from '../shared/web/launch.ts'
import { dataOption, examples, jsonOption } from './options.ts'
import { say, sayJson } from './print.ts'

export function addPage(waybill: Command): void {
  const command = waybill
    .command('page')
    .description("print the address of the running program's page, with a launch token that is good once")
    .addOption(dataOption())
    .option('--open', 'open it in the browser')
    .addOption(jsonOption())
    .action(page)
  examples(command, 'waybill page --data ~/waybill --open')
}

async function page({ data, open, json }: { data: string; open?: boolean; json?: boolean }): Promise<void> {
  readIdentity(data)
  const port = readRuntime(data)?.ports.pagePort
  if (port === undefined) throw new WaybillError('NOT_RUNNING', `no program runs on ${data}`)
  const address = `http://127.0.0.1:${port}/#launch=${await issueLaunch(data)}`
  if (json) sayJson({ address })
  else say(address)
  if (open) spawn('xdg-open', [address], { detached: true, stdio: 'ignore' }).on('error', noBrowser).unref()
}

function noBrowser(): void {
  process.stderr.write('No browser could be opened here. Open the address by hand.\n')
}
