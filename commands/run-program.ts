import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Static, TObject } from '@sinclair/typebox'
import { type Command, Option } from 'commander'
import { readIdentity } from '../shared/crypto/identity.ts'
import { type Clock, systemClock } from '../shared/service/clock.ts'
import { readConfig } from '../shared/service/config.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { createLogger, type Logger } from '../shared/service/logger.ts'
import { onShutdown } from '../shared/service/shutdown.ts'
import { dataOption } from './options.ts'
import { programs } from './programs.ts'

type Name = (typeof programs)[keyof typeof programs]

/** One of the three programs. */
interface Program<T extends TObject> {
  name: Name
  schema: T
  start(config: Static<T>, tools: { clock: Clock; logger: Logger }): Promise<{ close(): Promise<void> }>
}

/**
 * Reads the program's settings, once, starts it and keeps it until a signal. Settings come from a TOML file, then `WAYBILL_...`
 * variables, then flags (house rule 4).
 */
export async function runProgram<T extends TObject>(
  { name, schema, start }: Program<T>,
  command: Command,
): Promise<void> {
  const { config: named, ...flags } = given(command, 'cli')
  const { data } = { ...given(command, 'env'), ...flags }
  const usual = data === undefined ? `/etc/waybill/${name}.toml` : join(data, `${name}.toml`)
  const file = named ?? (existsSync(usual) ? usual : undefined)
  // As the commands take it: relative to where one stands.
  const environment = { ...process.env, WAYBILL_DATA: data }
  const config = readConfig(schema, { environment, flags, file })
  checkRole(String(config.data), name)
  const logger = createLogger(`waybill-${name}`, String(config.logLevel))
  const running = await start(config, { clock: systemClock, logger })
  onShutdown(logger, [() => running.close()])
}

/** Where the settings of a program come from, for its `--help`. */
export function addSettings(command: Command, name: Name): Command {
  return command
    .addOption(dataOption())
    .addOption(new Option('--config <file>', `settings in TOML, if not DATA/${name}.toml or /etc/waybill/${name}.toml`))
    .addHelpText(
      'after',
      `
Every flag is also a setting in the TOML file (--page-port is pagePort) and a
variable (WAYBILL_PAGE_PORT). A flag counts before a variable, a variable before
the file. The program runs until SIGTERM or Ctrl-C and logs to standard error, a
line of JSON an event. Port 0 takes a free port; waybill status tells which.`,
    )
}

function given(command: Command, source: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(command.opts()).filter(([option]) => command.getOptionValueSource(option) === source),
  )
}

/** Before anything is opened: a program on another's directory would make its own tables there. */
function checkRole(data: string, name: Name): void {
  const { role } = readIdentity(data)
  if (programs[role] !== name)
    throw new WaybillError('ROLE_REFUSED', `${data} holds a ${role}: its program is waybill ${programs[role]}`)
}
