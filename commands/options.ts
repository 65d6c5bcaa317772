import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'

const usualData = '/var/lib/waybill'
const longestName = 200

/** Where the device lives. */
export function dataOption(what = "the device's data directory"): Option {
  return new Option('--data <dir>', what).argParser(directory).env('WAYBILL_DATA').default(usualData)
}

/** A directory that is there or can be made. */
export function directory(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It names no directory')
  const path = resolve(text)
  for (let at = path; ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false })
    if (found?.isDirectory()) return path
    if (found) throw new InvalidArgumentError(`${at} is no directory`)
  }
}

/** State as JSON instead of words. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON, for other programs')
}

/** A port as a flag; 0 takes a free one. */
export function portOption(flag: string, what: string): Option {
  return new Option(`${flag} <number>`, what).argParser((text) => {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
    if (!(port <= 65_535)) throw new InvalidArgumentError('A port is a number from 0 to 65535; 0 takes a free one')
    return port
  })
}

/** A flag that may be given several times. */
export function listOption(flag: string, what: string): Option {
  return new Option(flag, what).argParser((value, before: string[] | undefined) => [...(before ?? []), value])
}

/** Addresses of other programs; may be given several times. */
export function addressOption(flag: string, what: string): Option {
  return new Option(`${flag} <host:port>`, `${what}; may be repeated`).argParser(
    (text, before: string[] | undefined) => {
      if (!/^[^\s/]{1,253}:\d{1,5}$/.test(text)) throw new InvalidArgumentError('An address is HOST:PORT')
      return [...(before ?? []), text]
    },
  )
}

/** How much the log tells. */
export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'how much the log on standard error tells').choices([
    ...['trace', 'debug', 'info', 'warn', 'error'],
  ])
}

/** What a device will be. */
export function roleOption(): Option {
  return new Option('--role <role>', 'what the device will be; relay is the laptop of a driver').choices([
    'field',
    'relay',
  ])
}

/** A name that people read: it stands in tables and on pages, in one line. */
export function nameOption(): Option {
  return new Option('--name <name>', 'the name that people will read, such as lap-01').argParser((text) => {
    const problem = problemOfName(text)
    if (problem !== undefined) throw new InvalidArgumentError(problem)
    return text.trim()
  })
}

/** Why a text cannot be the name of a device; undefined where it can. */
export function problemOfName(text: string): string | undefined {
  if (text.trim() === '') return 'The name is missing'
  if (text.length > longestName) return `A name has at most ${longestName} characters`
  return /\p{Cc}/u.test(text) ? 'A name is one line, without control characters' : undefined
}

/** What a person types, under a command's `--help`. */
export function examples(command: Command, ...lines: string[]): void {
  command.addHelpText('after', `\nFor example:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}
