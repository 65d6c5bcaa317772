import { isUtf8 } from 'node:buffer'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { sha256 } from '../shared/crypto/digest.ts'
import { Change, maxChangeBytes } from '../shared/protocol/change.ts'
import { WaybillError } from '../shared/service/errors.ts'
import { canonicalForm, parseStrictly } from './parse-strictly.ts'

/** A change as the app gave it: what is stored, and the digest by which a repeat is known. */
export interface GivenChange {
  change: Change
  /** The change in RFC 8785 form. */
  line: string
  /** Digest of what was given, before defaults were filled in. */
  digest: string
  /** It tells how a record is, and not what was done to it. */
  isDump: boolean
}

const check = TypeCompiler.Compile(Change)

/**
 * Reads one change, or an object as Django's `dumpdata` writes it.
 * @param text JSON in UTF-8; null where it was too large to be kept
 * @returns undefined for an empty line
 * @throws CHANGE_INVALID naming the field, CHANGE_TOO_LARGE
 */
export function readChange(text: Buffer | null, now: Date): GivenChange | undefined {
  if (text === null) throw tooLarge()
  if (!isUtf8(text)) throw new WaybillError('CHANGE_INVALID', 'not UTF-8')
  const json = text.toString('utf8')
  if (json.trim() === '') return undefined
  return takeGiven(parseStrictly(json), now)
}

/** Takes what was read already. @throws CHANGE_INVALID naming the field, CHANGE_TOO_LARGE */
export function takeGiven(given: Record<string, unknown>, now: Date): GivenChange {
  const form = canonicalForm(given)
  const digest = sha256(form)
  const isDump = !('id' in given || 'action' in given)
  const change = isDump ? fromDumpdata(given, digest, now) : withDefaults(given, now)
  if (!check.Check(change)) {
    const first = check.Errors(change).First()
    throw new WaybillError('CHANGE_INVALID', `${first?.path || '/'}: ${first?.message}`)
  }
  const line = isAsGiven(change, given) ? form : canonicalForm(change)
  if (Buffer.byteLength(line) > maxChangeBytes) throw tooLarge()
  return { change, line, digest, isDump }
}

/** Nothing was filled in and nothing spelled otherwise: what is stored is what was given. */
function isAsGiven(change: Record<string, unknown>, given: Record<string, unknown>): boolean {
  return Object.keys(change).every((name) => change[name] === given[name])
}

function tooLarge(): WaybillError {
  return new WaybillError('CHANGE_TOO_LARGE', `the change is larger than ${maxChangeBytes} bytes`)
}

function withDefaults(given: Record<string, unknown>, now: Date): Record<string, unknown> {
  const change = { naturalKey: [], base: [], fields: {}, user: '', recordedAt: now.toISOString(), ...given }
  return { ...change, pk: textOf(given.pk), recordedAt: timeOf(change.recordedAt) }
}

/** Its id is made from its content, so that giving the same dump again repeats and does not double (see dumped.ts). */
function fromDumpdata(given: Record<string, unknown>, digest: string, now: Date): Record<string, unknown> {
  const { model, pk, fields, ...rest } = given
  return withDefaults({ ...rest, id: `dumpdata-${digest}`, action: 'insert', model, pk, fields }, now)
}

function textOf(pk: unknown): unknown {
  return typeof pk === 'number' ? String(pk) : pk
}

/** Any ISO 8601 time with an offset becomes UTC with milliseconds; what is none is left for the schema to refuse. */
function timeOf(time: unknown): unknown {
  const parts = typeof time === 'string' ? /^(\d{4})-(\d\d)-(\d\d)T.*(Z|[+-]\d\d:?\d\d)$/.exec(time) : null
  if (!parts) return time
  const [year, month, day] = parts.slice(1, 4).map(Number) as [number, number, number]
  // The 30th of February would become the 2nd of March: what the app gave is not made into another day.
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return time
  const parsed = new Date(String(time))
  return Number.isNaN(parsed.getTime()) ? time : parsed.toISOString()
}
