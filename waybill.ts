import './commands/answer-for-drizzle.ts'
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addCommands } from './commands/add-commands.ts'
import { asWaybillError, WaybillError } from './shared/service/errors.ts'

const { version, description } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
const waybill = new Command('waybill').description(description).version(version)

process.stdout.on('error', endOfReading)
try {
  await addCommands(waybill, process.argv[2])
  strict(waybill)
  await waybill.parseAsync()
} catch (thrown) {
  if (!(thrown instanceof CommanderError && thrown.exitCode === 0)) fail(thrown)
}

/** Errors of the command line become errors like all others: thrown, and told in one line. */
function strict(command: Command): void {
  const silent = () => undefined
  command.exitOverride().configureOutput({ writeErr: silent, outputError: silent })
  for (const child of command.commands) strict(child)
}

/** Nothing is printed before it is done and on disk: a reader who has seen enough (`| head -1`) ends the command quietly. */
function endOfReading(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit()
  fail(error)
}

/** Ends the process: a program that could not start wholly must not linger with what it opened. */
function fail(thrown: unknown): never {
  const { code, message, hint } = thrown instanceof CommanderError ? ofCommandLine(thrown) : asWaybillError(thrown)
  const line = message.replace(/[\s\p{Cc}]+/gu, ' ').replace(/[. ]+$/, '')
  process.stderr.write(`${code}: ${line}. Hint: ${hint}\n`)
  process.exit(1)
}

function ofCommandLine({ code, message }: CommanderError): WaybillError {
  const said = code === 'commander.help' ? 'a command is missing' : message.replace(/^error: /, '')
  return new WaybillError('BAD_ARGUMENT', said)
}
