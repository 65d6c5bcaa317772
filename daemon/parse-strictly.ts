import canonicalize from 'canonicalize'
import { parse } from 'lossless-json'
import { WaybillError } from '../shared/service/errors.ts'

/** Longer numbers are not looked at: no clinical value has so many digits. */
const longestNumber = 400

/** Stands where a number was that a double cannot hold as it was written. */
class Inexact {
  readonly text: string

  constructor(text: string) {
    this.text = text.slice(0, 40)
  }
}

/**
 * Reads one JSON object. No name twice with different values, and no number that would not arrive as it was written.
 * @throws CHANGE_INVALID naming the field
 */
export function parseStrictly(text: string): Record<string, unknown> {
  let isExact = true
  const parseNumber = (number: string) => {
    const value = exactNumber(number)
    if (value !== undefined) return value
    isExact = false
    return new Inexact(number)
  }
  const value = parseJson(text, parseNumber)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new WaybillError('CHANGE_INVALID', '/: a change is a JSON object')
  if (!isExact) throw inexact(value)
  return value as Record<string, unknown>
}

/** The RFC 8785 form. @throws CHANGE_INVALID naming the field whose text has none: half of a surrogate pair */
export function canonicalForm(value: object): string {
  try {
    return canonicalize(value) ?? ''
  } catch (cause) {
    const isBroken = (inner: unknown) => typeof inner === 'string' && !inner.isWellFormed()
    const { path } = find(value, isBroken) ?? { path: '/' }
    throw new WaybillError('CHANGE_INVALID', `${path.toWellFormed()}: not Unicode text`, { cause })
  }
}

function parseJson(text: string, parseNumber: (text: string) => unknown): unknown {
  try {
    return parse(text, undefined, { parseNumber })
  } catch (cause) {
    throw new WaybillError('CHANGE_INVALID', `not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

/** The number; undefined where the double is another number than what was written, or an integer that others would round. */
function exactNumber(text: string): number | undefined {
  const value = Number(text)
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return undefined
  const spelled = String(value)
  return spelled === text || (text.length <= longestNumber && decimalOf(spelled) === decimalOf(text))
    ? value
    : undefined
}

/** The same text for all spellings of one number: its digits without zeros at either end, and its exponent. */
function decimalOf(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!parts) return text
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

function inexact(value: object): WaybillError {
  const { path, found } = find(value, (inner) => inner instanceof Inexact) ?? { path: '/', found: undefined }
  const number = found instanceof Inexact ? found.text : 'here'
  return new WaybillError('CHANGE_INVALID', `${path}: the number ${number} would not arrive as it is; give it as text`)
}

/** The first value or name that is such, and where it is, as a JSON pointer. */
function find(
  value: unknown,
  isSuch: (value: unknown) => boolean,
  path = '',
): { path: string; found: unknown } | undefined {
  if (isSuch(value)) return { path: path || '/', found: value }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, inner] of Object.entries(value)) {
    const at = `${path}/${name}`
    const found = isSuch(name) ? { path: at, found: name } : find(inner, isSuch, at)
    if (found) return found
  }
  return undefined
}
