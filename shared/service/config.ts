import { readFileSync } from 'node:fs'
import type { Static, TObject, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parse } from 'smol-toml'
import { WaybillError } from './errors.ts'

/** Where a setting can come from; later ones win. */
export interface ConfigSources {
  /** A TOML file; one that is named must be there. */
  file: string | undefined
  /** Variables `WAYBILL_PAGE_PORT`... for a setting `pagePort`. */
  environment: Record<string, string | undefined>
  /** What the command line gave; undefined where it gave nothing. */
  flags: Record<string, unknown>
}

/** Reads and checks a program's settings, once. @throws BAD_CONFIG naming the setting and its source */
export function readConfig<T extends TObject>(schema: T, sources: ConfigSources): Static<T> {
  const defaults = Value.Create(schema) as Record<string, unknown>
  const file = sources.file === undefined ? {} : readFile(sources.file)
  const environment = fromEnvironment(schema, sources.environment)
  const flags = Object.fromEntries(Object.entries(sources.flags).filter(([, value]) => value !== undefined))
  check(schema, file, `${sources.file}`)
  check(schema, environment, 'environment')
  check(schema, flags, 'flag')
  return { ...defaults, ...file, ...environment, ...flags } as Static<T>
}

function readFile(path: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new WaybillError('BAD_CONFIG', `${path}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

function fromEnvironment(schema: TObject, environment: Record<string, string | undefined>): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const text = environment[variableOf(name)]
    if (text !== undefined) given[name] = convert(property, text)
  }
  return given
}

/** `pagePort` -> `WAYBILL_PAGE_PORT` */
function variableOf(name: string): string {
  return `WAYBILL_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function convert(property: TSchema, text: string): unknown {
  if (property.type === 'integer') return /^\d+$/.test(text) ? Number(text) : text
  if (property.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (property.type === 'array') return text === '' ? [] : text.split(',').map((part) => part.trim())
  return text
}

function check(schema: TObject, given: Record<string, unknown>, source: string): void {
  for (const [name, value] of Object.entries(given)) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    if (!property) throw new WaybillError('BAD_CONFIG', `${source}: ${name} is not a setting`)
    const first = Value.Errors(property, value).First()
    if (first) throw new WaybillError('BAD_CONFIG', `${source}: ${name}: ${first.message}`)
  }
}
