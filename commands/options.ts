import { resolve } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'

const usualData = '/var/lib/waybill'

/** Where the device lives. */
export function dataOption(what = "the device's data directory"): Option {
  return new Option('--data <dir>', what).argParser((path) => resolve(path)).default(usualData)
}

/** State as JSON instead of words. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON')
}

/** A port as a flag; 0 takes a free one. */
export function portOption(flag: string, what: string): Option {
  return new Option(`${flag} <number>`, what).argParser((text) => {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
    if (!(port <= 65_535)) throw new InvalidArgumentError('a port is a number from 0 to 65535')
    return port
  })
}

/** A flag that may be given several times. */
export function listOption(flag: string, what: string): Option {
  return new Option(flag, what).argParser((value, before: string[] | undefined) => [...(before ?? []), value])
}
