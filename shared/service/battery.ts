import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How long this laptop can still work. */
export interface Battery {
  percent: number
  /** On mains, whether or not it takes charge. */
  isCharging: boolean
}

/** The laptop's own batteries taken together, as Linux tells of them; null where it has none, or cannot say. */
export function readBattery(directory = '/sys/class/power_supply'): Battery | null {
  const supplies = names(directory).map((name) => (file: string) => read(join(directory, name, file)))
  // A mouse has a battery too: its scope is the device.
  const own = supplies.filter((of) => of('type') === 'Battery' && of('scope') !== 'Device')
  const told = own.map((of) => ({ percent: Number.parseInt(of('capacity'), 10), status: of('status') }))
  const known = told.filter(({ percent }) => percent >= 0 && percent <= 100)
  if (known.length === 0) return null
  return {
    percent: Math.round(known.reduce((sum, { percent }) => sum + percent, 0) / known.length),
    isCharging: !known.some(({ status }) => status === 'Discharging'),
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
