import { isUtf8 } from 'node:buffer'
import type { Row } from '../../shared/app-database/app-database.ts'
import { asWaybillError, WaybillError } from '../../shared/service/errors.ts'
import { parseStrictly } from '../parse-strictly.ts'

/** A change's own name for each column that holds text. */
const texts = {
  id: 'change_id',
  model: 'model',
  action: 'action',
  pk: 'pk',
  user: 'made_by',
  recordedAt: 'recorded_at',
}
const optional = { reason: 'reason', site: 'site', appVersion: 'app_version' }
const json = { naturalKey: 'natural_key', fields: 'fields', base: 'base' }

/**
 * What a row of `waybill_outbox` says, in the form in which an app gives a change.
 * @throws CHANGE_INVALID naming the column
 */
export function changeOfRow(row: Row): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [name, column] of Object.entries(texts)) given[name] = textOf(column, row[column])
  for (const [name, column] of Object.entries(json)) given[name] = parsed(name, column, textOf(column, row[column]))
  for (const [name, column] of Object.entries(optional))
    if (row[column] !== null) given[name] = textOf(column, row[column])
  return given
}

/** @throws CHANGE_INVALID where the column holds no text */
export function textOf(column: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (!(value instanceof Uint8Array) || !isUtf8(value))
    throw new WaybillError('CHANGE_INVALID', `${column}: not text in UTF-8`)
  return Buffer.from(value).toString('utf8')
}

/** Alone in an object of its own: a text that goes on after its value would name more there. */
function parsed(name: string, column: string, text: string): unknown {
  const whole = inColumn(column, () => parseStrictly(`{"${name}":${text}}`))
  if (Object.keys(whole).length !== 1) throw new WaybillError('CHANGE_INVALID', `${column}: more than one JSON value`)
  return whole[name]
}

function inColumn<T>(column: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const { code, message } = asWaybillError(cause)
    throw new WaybillError(code, `${column}: ${message}`, { cause })
  }
}
