import { parse } from 'csv-parse/sync'
import type { NewDevice } from '../server/enrol-code.ts'
import { WaybillError } from '../shared/service/errors.ts'

/** Reads a CSV of devices with the columns role, name and site. @throws BAD_ARGUMENT naming the line */
export function readDevices(text: string, path: string): NewDevice[] {
  let rows: Array<Record<string, string>>
  try {
    rows = parse(text, { columns: true, trim: true, skip_empty_lines: true, bom: true })
  } catch (cause) {
    throw new WaybillError('BAD_ARGUMENT', `${path}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
  const names = new Set<string>()
  return rows.map(({ role, name, site }, index) => {
    const line = `${path}, line ${index + 2}`
    if (role !== 'field' && role !== 'relay') throw new WaybillError('BAD_ARGUMENT', `${line}: role is field or relay`)
    if (!name || names.has(name)) throw new WaybillError('BAD_ARGUMENT', `${line}: a name is missing or there twice`)
    names.add(name)
    return { role, name, site: site || null }
  })
}
