import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { publishSettings } from '../server/publish-settings.ts'
import { recoverServer } from '../server/recover.ts'
import { systemClock } from '../shared/service/clock.ts'
import { defaultKitPath, foundStudy, readKit } from '../study/found.ts'
import { settingsOf } from '../study/settings.ts'
import { withGiven } from './given-path.ts'
import { openServer } from './open-server.ts'
import { dataOption, examples, problemOfName } from './options.ts'
import { say, sayJson } from './print.ts'
import { readSettings } from './read-settings.ts'

export function addStudy(waybill: Command): void {
  const study = waybill.command('study').description('found a study, publish its configuration, rebuild a lost server')
  const create = study
    .command('create')
    .argument('<name>', 'what the study is called on every page', studyName)
    .description('found a study: authority, issuer, recovery kit, community server, first configuration')
    .addOption(dataOption("the server's data directory"))
    .option('--recovery-kit <file>', 'where to write the kit that is to be taken offline')
    .action(found)
  const show = study
    .command('show')
    .description('print the settings in force, to be edited and published')
    .addOption(dataOption("the server's data directory"))
    .action(showSettings)
  const publish = study
    .command('publish <file>')
    .description('publish new settings (JSON or TOML), as the next version of the study configuration')
    .addOption(dataOption("the server's data directory"))
    .action(publishFile)
  const recover = study
    .command('recover <kit>')
    .description('make a new community server from the recovery kit, after the old one was lost')
    .addOption(dataOption("the new server's data directory"))
    .action(rebuild)
  examples(create, 'waybill study create "Mochudi cohort" --data /srv/waybill')
  examples(show, 'waybill study show --data /srv/waybill > study.json')
  examples(publish, 'waybill study publish study.json --data /srv/waybill')
  examples(recover, 'waybill study recover /media/usb/TAKE-OFFLINE-recovery-kit.json --data /srv/waybill-new')
}

function studyName(text: string): string {
  const problem = problemOfName(text)
  if (problem !== undefined) throw new InvalidArgumentError(problem)
  return text.trim()
}

async function found(name: string, { data, recoveryKit }: { data: string; recoveryKit?: string }): Promise<void> {
  const kit = recoveryKit === undefined ? defaultKitPath(data) : resolve(recoveryKit)
  const { study } = await withGiven(kit, () => foundStudy(name, data, kit, systemClock))
  say(`Study ${name} is founded: ${study}`)
  say(`TAKE OFFLINE: ${kit}`)
  say('It holds the authority key and the recovery key. Copy it to two places away from this computer, then delete it')
  say('here. Without it a lost server cannot be rebuilt; with it anyone can add devices and read all data.')
  say(`Start the server: waybill server --data ${data}`)
}

async function showSettings({ data }: { data: string }): Promise<void> {
  const { shelf, close } = await openServer(data)
  sayJson(settingsOf(shelf.document), 2)
  close()
}

async function publishFile(path: string, { data }: { data: string }): Promise<void> {
  const settings = readSettings(path)
  const { identity, shelf, close } = await openServer(data)
  const document = await publishSettings({ data, identity, shelf, clock: systemClock }, settings)
  close()
  say(`Version ${document.version} of the study configuration is published. Every laptop takes it when it is next met.`)
}

async function rebuild(kitPath: string, { data }: { data: string }): Promise<void> {
  const { server } = await recoverServer(readKit(kitPath), data, systemClock)
  say(`A new community server of the study is made: ${server}`)
  say('Laptops and relays know it by the next study configuration, which they take when they meet it. Give them its')
  say(`address if it has changed. Start it: waybill server --data ${data}`)
}
