import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addCommands } from './commands/add-commands.ts'
import { asWaybillError, WaybillError } from './shared/service/errors.ts'

const { version, description } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
const waybill = new Command('waybill').description(description).version(version)
addCommands(waybill)
strict(waybill)

try {
  await waybill.parseAsync()
} catch (thrown) {
  if (!(thrown instanceof CommanderError && thrown.exitCode === 0)) fail(thrown)
}

/** Errors of the command line become errors like all others: thrown, and told in one line. */
function strict(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined })
  for (const child of command.commands) strict(child)
}

function fail(thrown: unknown): void {
  const { code, message, hint } =
    thrown instanceof CommanderError
      ? new WaybillError('BAD_ARGUMENT', thrown.message.replace(/^error: /, ''))
      : asWaybillError(thrown)
  process.stderr.write(`${code}: ${message.replaceAll('\n', ' ')}. Hint: ${hint}\n`)
  process.exitCode = 1
}
