import { parse } from 'csv-parse/sync'
import type { NewDevice } from '../server/enrol-code.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { problemOfName } from './options.ts'

/** A device of the file, and where it stands there, for those who refuse it. */
export interface ListedDevice extends NewDevice {
  line: string
}

interface Row {
  record: Record<string, string>
  info: { lines: number }
}

const columns = ['role', 'name', 'site']

/** Reads a CSV of devices with the columns role, name and, where the study has sites, site. @throws BAD_ARGUMENT naming the line */
export function readDevices(text: string, path: string): ListedDevice[] {
  const names = new Set<string>()
  const devices = readRows(text, path).map(({ record: { role, name = '', site }, info }) => {
    const line = `${path}, line ${info.lines}`
    if (role !== 'field' && role !== 'relay') throw bad(line, 'the role is field or relay')
    const problem = names.has(name) ? `the name ${name} is there twice` : problemOfName(name)
    if (problem !== undefined) throw bad(line, problem)
    names.add(name)
    return { role, name, site: site || null, line } as const
  })
  if (devices.length === 0) throw bad(path, `it lists no device; the first line is ${columns.join(',')}`)
  return devices
}

function readRows(text: string, path: string): Row[] {
  try {
    return parse(text, { columns: checkHead, trim: true, skip_empty_lines: true, bom: true, info: true }) as Row[]
  } catch (cause) {
    throw bad(path, cause instanceof Error ? cause.message : String(cause))
  }
}

function checkHead(head: string[]): string[] {
  const unknown = head.filter((column) => !columns.includes(column))
  const missing = ['role', 'name'].filter((column) => !head.includes(column))
  if (unknown.length > 0) throw new Error(`line 1: ${unknown.join(', ')} is no column; they are ${columns.join(', ')}`)
  if (missing.length > 0) throw new Error(`line 1: the column ${missing.join(', ')} is missing`)
  return head
}

function bad(where: string, message: string): WaybillError {
  return new WaybillError('BAD_ARGUMENT', `${where}: ${message}`)
}
