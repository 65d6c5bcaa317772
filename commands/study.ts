import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { parse } from 'smol-toml'
import { publishSettings } from '../server/publish-settings.ts'
import { recoverServer } from '../server/recover.ts'
import { systemClock } from '../shared/service/clock.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { defaultKitPath, foundStudy, readKit } from '../study/found.ts'
import { settingsOf } from '../study/settings.ts'
import { openServer } from './open-server.ts'
import { dataOption } from './options.ts'
import { say } from './print.ts'

export function addStudy(waybill: Command): void {
  const study = waybill.command('study').description('found a study, and publish its configuration')
  study
    .command('create <name>')
    .description('found a study: authority, issuer, recovery kit, community server, first configuration')
    .addOption(dataOption("the server's data directory"))
    .option('--recovery-kit <file>', 'where to write the kit that is to be taken offline')
    .action(create)
  study
    .command('show')
    .description('print the settings in force, to be edited and published')
    .addOption(dataOption("the server's data directory"))
    .action(show)
  study
    .command('publish <file>')
    .description('publish new settings (JSON or TOML), as the next version of the study configuration')
    .addOption(dataOption("the server's data directory"))
    .action(publish)
  study
    .command('recover <kit>')
    .description('make a new community server from the recovery kit, after the old one was lost')
    .addOption(dataOption("the new server's data directory"))
    .action(recover)
}

async function create(name: string, { data, recoveryKit }: { data: string; recoveryKit?: string }): Promise<void> {
  const kit = recoveryKit === undefined ? defaultKitPath(data) : resolve(recoveryKit)
  const { study } = await foundStudy(name, data, kit, systemClock)
  say(`Study ${name} is founded: ${study}`)
  say(`TAKE OFFLINE: ${kit}`)
  say('It holds the authority key and the recovery key. Copy it to two places away from this computer, then delete it')
  say('here. Without it a lost server cannot be rebuilt; with it anyone can add devices and read all data.')
  say(`Start the server: waybill server --data ${data}`)
}

async function show({ data }: { data: string }): Promise<void> {
  const { shelf, close } = await openServer(data)
  say(JSON.stringify(settingsOf(shelf.document), null, 2))
  close()
}

async function publish(path: string, { data }: { data: string }): Promise<void> {
  const settings = readSettings(path)
  const { identity, shelf, close } = await openServer(data)
  const document = await publishSettings({ data, identity, shelf, clock: systemClock }, settings)
  close()
  say(`Version ${document.version} of the study configuration is published. Every laptop takes it when it is next met.`)
}

async function recover(kitPath: string, { data }: { data: string }): Promise<void> {
  const { server } = await recoverServer(readKit(kitPath), data, systemClock)
  say(`A new community server of the study is made: ${server}`)
  say('Laptops and relays know it by the next study configuration, which they take when they meet it. Give them its')
  say(`address if it has changed. Start it: waybill server --data ${data}`)
}

function readSettings(path: string): unknown {
  const text = readFileSync(path, 'utf8')
  try {
    return path.endsWith('.toml') ? parse(text) : JSON.parse(text)
  } catch (cause) {
    throw new WaybillError('STUDY_DOCUMENT_INVALID', `${path}: ${cause instanceof Error ? cause.message : cause}`)
  }
}
