import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Static, TObject } from '@sinclair/typebox'
import type { Command } from 'commander'
import { type Clock, systemClock } from '../shared/service/clock.ts'
import { readConfig } from '../shared/service/config.ts'
import { createLogger, type Logger } from '../shared/service/logger.ts'
import { onShutdown } from '../shared/service/shutdown.ts'

/** One of the three programs. */
interface Program<T extends TObject> {
  name: 'daemon' | 'relay' | 'server'
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
  const given = Object.entries(command.opts()).filter(([option]) => command.getOptionValueSource(option) === 'cli')
  const { config: named, ...flags } = Object.fromEntries(given)
  const usual = 'data' in flags ? join(flags.data, `${name}.toml`) : `/etc/waybill/${name}.toml`
  const file = named ?? (existsSync(usual) ? usual : undefined)
  const config = readConfig(schema, { environment: process.env, flags, file })
  const logger = createLogger(`waybill-${name}`, String(config.logLevel))
  const running = await start(config, { clock: systemClock, logger })
  onShutdown(logger, [() => running.close()])
}
